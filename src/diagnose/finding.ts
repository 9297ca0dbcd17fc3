import type { Reason, Reference, Verdict } from '../causes/cause.ts'
import type { CauseId } from '../causes/ids.ts'
import type { ApplicationFacts } from '../evidence/application.ts'
import type { ConnectionFacts } from '../evidence/connection.ts'
import { singular, diagnoseWords as words } from '../messages/en/diagnose.ts'
import { render } from '../messages/render.ts'
import type { CauseMessages, ExperimentStep, FixStep, Step, Values } from '../messages/types.ts'
import { type Asked, askedOf, commandValues, experimentStep } from './experiment.ts'
import type { CountedReason, Merged } from './merge.ts'
import { ownCommand } from './own-command.ts'
import type { Because, Finding } from './report.ts'
import type { Locate } from './summary.ts'

/** Sentences of the causes, in one language. */
export type Messages = Readonly<Partial<Record<CauseId, CauseMessages>>>

export interface FindingContext {
  catalogue: Messages
  locate: Locate
  /** All connections of the capture. */
  total: number
  /** Captures of both ends were given: steps that ask for them are left out. */
  bothEnds: boolean
  /** Facts by id, for evidence that names a connection. */
  firstFrameOf(connection: number): number | null
  /** What its payload says, where it was read. */
  applicationOf(connection: number): ApplicationFacts | null
}

const MAX_EXAMPLES = 5
const MAX_GROUPS = 50
/** Of one server, until one says what is spoken. */
const MAX_READ = 20

/** The report's form of a merged finding, all text filled in. */
export function findingOf(merged: Merged, context: FindingContext): Finding {
  const { verdict, cause } = merged.claim
  const messages = messagesOf(cause.id, verdict.variant, context.catalogue)
  const asked = askedOfMerged(merged, context)
  const values = { ...commandValues(asked, verdict), ...valuesOf(merged) }
  const leader = merged.alternative ? merged.rivals[0]?.claim.cause.id : undefined
  return {
    cause: cause.id,
    ...(verdict.variant === undefined ? {} : { variant: verdict.variant }),
    certainty: merged.certainty,
    severity: merged.severity,
    title: say(messages.title, { ...values, ...severalOf(merged) }),
    culprit: culpritOf(merged),
    affected: {
      connections: merged.count,
      of: context.total,
      examples: examplesOf(merged).map((c) => String(c.id)),
      ...(merged.groups.length > 1 ? { groups: merged.groups.slice(0, MAX_GROUPS) } : {}),
    },
    because: merged.because.map((r) => becauseOf(r, context)),
    against: [
      ...merged.rivals.map((r) => rivalBecause(r, context)),
      ...merged.against.map((r) => becauseOf(r, context)),
    ],
    ...(verdict.consequenceOf === undefined ? {} : { consequenceOf: verdict.consequenceOf }),
    ...(leader === undefined ? {} : { alternativeTo: leader }),
    ...(messages.now.length === 0 ? {} : { now: messages.now.map((s) => stepOf(s, values)) }),
    confirm: [
      ...(messages.experiment === null
        ? []
        : [experimentStep(messages.experiment, asked, verdict)]),
      ...messages.confirm
        .filter((s) => !context.bothEnds || !asksBothEnds(s.command))
        .map((s) => stepOf(s, values)),
    ],
    fix: messages.fix.map((s) => fixOf(s, values)),
  }
}

/** The server of the strongest example; what it speaks, by the first whose payload says it. */
function askedOfMerged({ strongest, connections }: Merged, context: FindingContext): Asked {
  const { endpoint } = strongest.connection.server
  const alike = connections.filter(({ server }) => server.endpoint === endpoint)
  for (const { id } of [strongest.connection, ...alike.slice(0, MAX_READ)]) {
    const application = context.applicationOf(id)
    if (application !== null && application.protocol !== 'unknown') {
      return askedOf(strongest.connection, application)
    }
  }
  return askedOf(strongest.connection, null)
}

function asksBothEnds(command: string | undefined): boolean {
  return command?.startsWith('tcpwhy analyze --at ') === true
}

/** One reason as the report prints it: the sentence, and the frame or connection in its own file's numbers. */
export function becauseOf({ reason, times }: CountedReason, context: FindingContext): Because {
  const sentence = context.catalogue[reason.cause]?.because[reason.key] ?? reason.key
  const text = say(sentence, reason.values)
  return { ...referTo(text, reason.at, context), ...(times > 1 ? { times } : {}) }
}

export function say(template: string, values: Values): string {
  return singular(render(template, values))
}

function referTo(text: string, at: Reference, context: FindingContext): Because {
  if (at.kind === 'frame') {
    const { source, frame } = context.locate(at.frame)
    const connection = at.connection === undefined ? {} : { connection: String(at.connection) }
    return { text, source, kind: 'frame', frame, ...connection }
  }
  if (at.kind !== 'connection') return { text, ...at }
  const { source } = context.locate(context.firstFrameOf(at.connection) ?? 1)
  return { text, source, kind: 'connection', connection: String(at.connection) }
}

function rivalBecause(rival: Merged['rivals'][number], context: FindingContext): Because {
  const { cause, verdict } = rival.claim
  const messages = messagesOf(cause.id, verdict.variant, context.catalogue)
  const title = say(messages.title, valuesFor(verdict, rival.example, rival.connections))
  const text = say(words.rival, { cause: cause.id, title, connections: rival.connections })
  return referTo(text, { kind: 'connection', connection: rival.example.id }, context)
}

interface Shown {
  title: string
  now: readonly Step[]
  experiment: ExperimentStep | null
  confirm: readonly Step[]
  fix: readonly FixStep[]
}

function messagesOf(cause: CauseId, variant: string | undefined, catalogue: Messages): Shown {
  const messages = catalogue[cause]
  if (messages === undefined)
    return { title: cause, now: [], experiment: null, confirm: [], fix: [] }
  return variant === undefined ? messages : { ...messages, ...messages.variants?.[variant] }
}

/** What every title and step can name. A cause's own values come after and may say it better. */
function valuesFor(verdict: Verdict, example: ConnectionFacts, connections: number): Values {
  return {
    connections,
    server: example.server.endpoint,
    host: verdict.culprit.host ?? example.server.address,
    address: example.server.address,
    port: example.server.port,
    client: example.client.address,
    ...verdict.values,
  }
}

function valuesOf(merged: Merged): Values {
  const { claim, connection } = merged.strongest
  const values = valuesFor(claim.verdict, connection, merged.count)
  // The count is of the whole finding, whatever one verdict knew of.
  return { ...values, connections: merged.count }
}

/** For titles only: "10.0.0.1:80 and 11 other endpoints". Commands need one real address. */
function severalOf(merged: Merged): Values {
  const servers = new Set<string>()
  const hosts = new Set<string>()
  const clients = new Set<string>()
  for (const { server, client } of merged.connections) {
    servers.add(server.endpoint)
    hosts.add(server.address)
    clients.add(client.address)
  }
  const { server, host, client } = valuesOf(merged)
  const values: Values = {}
  if (servers.has(String(server)) && servers.size > 1) {
    values['server'] = several(String(server), servers.size, 'server')
  }
  if (clients.has(String(client)) && clients.size > 1) {
    values['client'] = several(String(client), clients.size, 'client')
  }
  if (merged.groups.length > 1 && hosts.has(String(host)) && hosts.size > 1) {
    values['host'] = several(String(host), hosts.size, 'host')
  }
  return values
}

function several(first: string, count: number, what: keyof typeof words.what): string {
  return say(words.several, { first, others: count - 1, what: words.what[what] })
}

function culpritOf(merged: Merged): Finding['culprit'] {
  const { side, host, process, setting } = merged.claim.verdict.culprit
  const oneHost = merged.groups.length === 1 && host !== undefined
  return {
    side,
    ...(oneHost ? { host } : {}),
    ...(process === undefined ? {} : { process }),
    ...(setting === undefined ? {} : { setting }),
  }
}

/** Up to five, spread over time; the strongest, whose reasons are told, is among them and first. */
function examplesOf({ connections, strongest }: Merged): ConnectionFacts[] {
  const chosen = new Set([strongest.connection])
  const last = connections.length - 1
  for (let i = 0; i < MAX_EXAMPLES && chosen.size < MAX_EXAMPLES; i++) {
    chosen.add(connections[Math.round((i * last) / (MAX_EXAMPLES - 1))]!)
  }
  return [...chosen]
}

export function stepOf(step: Step, values: Values): Step {
  return {
    text: say(step.text, values),
    ...(step.command === undefined ? {} : { command: ownCommand(render(step.command, values)) }),
  }
}

export function fixOf(step: FixStep, values: Values): FixStep {
  return {
    ...stepOf(step, values),
    ...(step.setting === undefined ? {} : { setting: render(step.setting, values) }),
    ...(step.verify === undefined ? {} : { verify: ownCommand(render(step.verify, values)) }),
  }
}

/** The sentences of an exclusion or a lone reason. */
export function reasonsOf(reasons: readonly Reason[], context: FindingContext): Because[] {
  return reasons.map((reason) => becauseOf({ reason, times: 1 }, context))
}
