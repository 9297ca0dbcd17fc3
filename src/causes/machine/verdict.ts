import type { Endpoint, MachineFacts } from '../../evidence/machine.ts'
import type { MachineSubject, Verdict } from '../cause.ts'
import { type CulpritProcess, type SocketAt, serverEnd, socketText } from './lookup.ts'

/** What most verdicts on a host share; a cause says what differs. */
export function onMachine(
  machine: MachineFacts,
  of: Pick<Verdict, 'certainty' | 'severity' | 'because' | 'group'> &
    Partial<
      Pick<Verdict, 'against' | 'variant' | 'values' | 'consequenceOf' | 'weight' | 'experiment'>
    > & {
      side: Verdict['culprit']['side']
      process?: CulpritProcess | null
      setting?: string
      subject: Partial<MachineSubject> & Pick<MachineSubject, 'count' | 'what'>
    },
): Verdict {
  const { side, process, setting, subject, values, ...rest } = of
  return {
    connections: [],
    weight: of.certainty === 'confirmed' ? 90 : of.certainty === 'likely' ? 70 : 40,
    against: [],
    ...rest,
    culprit: {
      side,
      host: machine.name,
      ...(process == null ? {} : { process }),
      ...(setting === undefined ? {} : { setting }),
    },
    values: {
      who: process == null ? machine.name : process.command,
      pid: process?.pid ?? 'PID',
      of: machine.name,
      host: machine.name,
      ...values,
    },
    machine: {
      source: machine.source,
      of: Math.max(subject.of ?? 0, subject.count),
      examples: [],
      server: null,
      ...subject,
    },
  }
}

const MAX_EXAMPLES = 5

/** What a verdict on sockets of one namespace is about: how many of all there, examples, and the server's end. */
export function socketsOf(
  members: readonly SocketAt[],
  end: Endpoint,
  what: MachineSubject['what'] = 'sockets',
): Omit<MachineSubject, 'source'> {
  return {
    count: members.length,
    of: members[0]?.netns.sockets.length ?? 0,
    what,
    examples: members.slice(0, MAX_EXAMPLES).map(({ socket }) => socketText(socket)),
    server: serverEnd(end),
  }
}
