import { expect } from 'vitest'
import * as experiments from '../../src/app/probe/index.ts'
import type { Io } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'
import type { App } from '../../src/cli/spec.ts'
import type { ProbePort } from '../../src/probe/port.ts'
import type { Plan } from '../../src/probe/report.ts'

/** Stops an experiment when all that is asked of it was accepted, before anything is sent. */
class Accepted extends Error {}

/** Literal addresses only; nothing can be opened. */
const port = {
  nowMs: () => 0,
  epochMs: () => 0,
  rawOptions: true,
  resolve: async (host: string) => [{ address: host, family: host.includes(':') ? 6 : 4 }],
} as unknown as ProbePort

const BEFORE_TCPWHY = /^sudo (?:nsenter --net=\/[\w/-]+ )?(?=tcpwhy )/

/**
 * Runs a command line as it is printed through the whole command line of tcpwhy and the rules of its experiment, up to the plan that
 * is told before anything is sent.
 * @returns that plan; throws what tcpwhy would say instead
 */
export async function planOf(command: string): Promise<Plan> {
  const words = command.replace(BEFORE_TCPWHY, '').split(' ')
  expect(words.slice(0, 2), command).toEqual(['tcpwhy', 'probe'])
  // A shell takes none of it apart, so that these words are the arguments.
  expect(command).toMatch(/^[\w .:/=%~[\]-]+$/)
  const seen: { plan: Plan | null } = { plan: null }
  let said = ''
  const write = async (piece: string | Uint8Array) => {
    said += piece
  }
  const stream = { isTerminal: async () => false, write }
  const io = { out: stream, err: stream, env: {}, platform: 'linux', onInterrupt: () => () => {} }
  await run(words.slice(1), io as unknown as Io, appOf(seen) as unknown as App)
  if (seen.plan === null) throw new Error(`${command}: ${said}`)
  return seen.plan
}

function appOf(seen: { plan: Plan | null }) {
  type Ask = (request: never, hooks: object, port: ProbePort) => Promise<unknown>
  const until = (ask: Ask) => (request: never, hooks: object) => {
    const onPlan = (plan: Plan) => {
      seen.plan = plan
      throw new Accepted()
    }
    return ask(request, { ...hooks, onPlan }, port)
  }
  const { probeBacklog, probeConnect, probeHttp, probeIdle, probeLoad } = experiments
  const all = { probeBacklog, probeConnect, probeHttp, probeIdle, probeLoad }
  const asked = Object.entries(all).map(([name, ask]) => [name, until(ask as unknown as Ask)])
  return { probe: async () => Object.fromEntries(asked) }
}
