import { expect, test } from 'vitest'
import { type IdleRequest, probeIdle } from '../../src/app/probe/index.ts'
import { liveLines } from '../../src/cli/progress.ts'
import type { IdleProgress } from '../../src/probe/probes/idle.ts'
import { idleProgressLines } from '../../src/report/probe/idle-progress-text.ts'
import { type VirtualPath, VirtualWorld } from './virtual-world.ts'

const HTTP: IdleRequest['say'] = { is: 'http', path: '/' }

async function watch(path: Partial<VirtualPath>, over: Partial<IdleRequest> = {}) {
  const usual = { limitMs: 100_000, flavour: 'silent', heedsKeepalive: true, rttMs: 1 } as const
  const world = new VirtualWorld({ ...usual, ...path }, { '10.0.0.10': { ...usual, ...path } })
  const request: IdleRequest = {
    targets: ['vip=10.0.0.9:80'],
    maxMs: 600_000,
    precisionMs: 1000,
    keepalive: null,
    say: HTTP,
    ...over,
  }
  const told: IdleProgress[] = []
  const hooks = { onProgress: (progress: IdleProgress) => void told.push(progress) }
  const report = await world.play(probeIdle(request, hooks, world.port()))
  return { told, report }
}

test('it tells once a second how far it is, and when it will be over', async () => {
  const { told, report } = await watch({})
  expect(Math.abs(told.length - report.durationMs / 1000)).toBeLessThan(2)
  expect(told[20]).toMatchObject({ isOpenEnded: true, targets: [{ step: 'ladder', diedMs: null }] })
  const sure = told.filter(({ isOpenEnded, targets }) => !isOpenEnded && targets[0]?.step === 'fan')
  expect(sure.length).toBeGreaterThan(80)
  // Without the retransmissions that a silent path is given, and the pace at which connections are opened.
  for (const { elapsedMs, leftMs } of sure) {
    expect(Math.abs(elapsedMs + leftMs - report.durationMs)).toBeLessThan(6000)
  }
  const last = told.at(-1)?.targets[0]
  expect(last?.survivedMs).toBeGreaterThan(80_000)
  expect(last?.diedMs).toBeLessThan(125_000)
})

test('no limit: the end that was told from the beginning is the end', async () => {
  const { told, report } = await watch({ limitMs: Number.POSITIVE_INFINITY })
  for (const { elapsedMs, leftMs, isOpenEnded } of told.slice(3, -3)) {
    expect(isOpenEnded).toBe(true)
    expect(Math.abs(elapsedMs + leftMs - report.durationMs)).toBeLessThan(3000)
  }
})

test('lines for people, a line a target', async () => {
  const { told } = await watch({}, { targets: ['vip=10.0.0.9:80', 'server=10.0.0.10:80'] })
  const ladder = idleProgressLines(told[29]!)
  expect(ladder).toHaveLength(4)
  expect(ladder[0]).toMatch(/^30 s gone, \d+ connections silent\./)
  expect(ladder[1]).toMatch(/^Over in 9 min 3\d s if none dies/)
  expect(ladder[2]).toMatch(/^ {2}vip +ladder 1\d of 3\d +survives 2\d(\.\d+)? s$/)
  const fan = idleProgressLines(told[150]!)
  expect(fan[0]).toMatch(/^2 min 31 s gone/)
  expect(fan[1]).toMatch(/^Over in [\d.]+ s\.$/)
  expect(fan[3]).toMatch(
    /^ {2}server +fan \d+ of \d+ +dies between [\d.]+ s and [\d.]+ (s|min \d+ s)$/,
  )
})

test('lines replace those before them, are cut at the edge, and are gone in the end', async () => {
  let screen = ''
  const err = {
    isTerminal: async () => true,
    columns: async () => 11,
    write: async (text: string | Uint8Array) => {
      screen += text
    },
  }
  const live = liveLines(err)
  await live.show(['one', 'a name that is too long'])
  expect(screen).toBe('\rone\x1b[K\na name tha\x1b[K\n\x1b[J')
  screen = ''
  await live.show(['two'])
  expect(screen).toBe('\x1b[2A\rtwo\x1b[K\n\x1b[J')
  screen = ''
  await live.clear()
  expect(screen).toBe('\x1b[1A\r\x1b[J')
  await live.show(['late'])
  expect(screen).toBe('\x1b[1A\r\x1b[J')
})
