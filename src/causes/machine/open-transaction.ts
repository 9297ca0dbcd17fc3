import { groupBy } from '../../base/group-by.ts'
import type { DatabaseSession, MachineFacts, ProgramFacts } from '../../evidence/machine.ts'
import { type Judgement, reasonsOf, type Verdict } from '../cause.ts'
import { endpointText, processRef, type SocketAt, socketsIn } from './lookup.ts'
import { onMachine, socketsOf } from './verdict.ts'

const say = reasonsOf('open-transaction')

/** Shorter pauses inside a transaction are ordinary application time. */
const IDLE_MS = 10_000
/** Nobody works on an answer for so long. */
const LONG_MS = 60_000

/**
 * Sessions of a PostgreSQL server of this host that say of themselves that they are idle in a transaction.
 * @see PostgreSQL src/backend/tcop/postgres.c PostgresMain (set_ps_display)
 */
export function judgeOpenTransactions(machine: MachineFacts): Judgement {
  return { verdicts: machine.after.programs.flatMap((program) => judgeServer(machine, program)) }
}

interface Idle extends SocketAt {
  session: DatabaseSession
  /** Since its client sent something. */
  idleMs: number
}

function judgeServer(machine: MachineFacts, program: ProgramFacts): Verdict[] {
  const open = (program.sessions ?? []).filter((s) => s.activity === 'idle in transaction')
  if (open.length === 0) return []
  const byClient = new Map<string, SocketAt>()
  for (const at of socketsIn(machine, 'ESTABLISHED')) byClient.set(plain(at.socket.remote), at)
  const idle: Idle[] = open.flatMap((session) => {
    const at = session.client === null ? undefined : byClient.get(plain(session.client))
    const idleMs = Number(at?.socket.tcpInfo?.tcpi_last_data_recv ?? 0)
    return at === undefined || idleMs < IDLE_MS ? [] : [{ ...at, session, idleMs }]
  })
  const groups = groupBy(idle, ({ session }) => session.client?.address ?? '')
  return [...groups].map(([client, members]) => verdictOf(machine, program, client, members))
}

function verdictOf(
  machine: MachineFacts,
  program: ProgramFacts,
  client: string,
  members: readonly Idle[],
): Verdict {
  const oldest = members.reduce((a, b) => (b.idleMs > a.idleMs ? b : a))
  const { session, idleMs, socket } = oldest
  const at = processRef(machine, session.pid, 'idle in transaction')
  const verdict = onMachine(machine, {
    // Its own word for what it does, and the kernel's for since when nothing came.
    certainty: 'confirmed',
    severity: idleMs >= LONG_MS ? 'problem' : 'notice',
    side: 'client',
    because: [
      say('title-says', { count: members.length, who: program.command }, at),
      say('idle-on-host', { idle: idleMs }, at),
    ],
    against: idleMs >= LONG_MS ? [] : [say('may-go-on', {}, at)],
    group: `${program.pid} ${client}`,
    values: { server: endpointText(socket.local), port: socket.local.port, client, named: 0 },
    subject: socketsOf(members, socket.local),
  })
  return { ...verdict, culprit: { side: 'client', host: client } }
}

function plain({ address, port }: { address: string; port: number }): string {
  return `${address.replace(/^::ffff:(?=\d+\.)/, '')} ${port}`
}
