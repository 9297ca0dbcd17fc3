import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { analyzeCaptures } from '../src/app/analyze.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function reportOf(text: string) {
  const path = join(folder, 'pasted.txt')
  writeFileSync(path, text)
  return (await analyzeCaptures({ inputs: [path], at: [], filter: {}, all: true })).report
}

interface Print {
  /** What stands before the addresses of the segment that `from` sends, at this second. */
  head: (second: string, from: number) => string
  /** Whether the reset has the connection's timestamps, as those of Linux have. */
  stamped: boolean
}

/** Four connections: an exchange, then a request that the server answers by reset. */
function exchanges({ head, stamped }: Print): string {
  return [1, 2, 3, 4].map((i) => exchange(40_000 + i, i * 2, { head, stamped })).join('')
}

function exchange(port: number, at: number, { head, stamped }: Print): string {
  const [client, server] = [`10.0.0.1.${port}`, '10.0.0.2.80']
  const isn = 1_000_000_000 + port
  const clock = (ms: number) => `11:38:${String(10 + at)}.${String(ms * 1000).padStart(6, '0')}`
  const up = (ms: number, rest: string) => `${head(clock(ms), 0)}${client} > ${server}: ${rest}\n`
  const down = (ms: number, rest: string) => `${head(clock(ms), 1)}${server} > ${client}: ${rest}\n`
  const stamps = (a: number, b: number) => `options [nop,nop,TS val ${a} ecr ${b}]`
  const last = stamped ? `${stamps(200_007, 100_020)}, ` : ''
  return (
    up(
      0,
      `Flags [S], seq ${isn}, win 64240, options [mss 1460,sackOK,TS val 100000 ecr 0], length 0`,
    ) +
    down(
      1,
      `Flags [S.], seq 7, ack ${isn + 1}, win 65160, options [mss 1460,sackOK,TS val 200000 ecr 100000], length 0`,
    ) +
    up(2, `Flags [.], ack 1, win 64240, ${stamps(100_001, 200_000)}, length 0`) +
    up(3, `Flags [P.], seq 1:42, ack 1, win 64240, ${stamps(100_002, 200_000)}, length 41`) +
    down(4, `Flags [P.], seq 1:1001, ack 42, win 65000, ${stamps(200_004, 100_002)}, length 1000`) +
    up(5, `Flags [.], ack 1001, win 64240, ${stamps(100_020, 200_004)}, length 0`) +
    up(6, `Flags [P.], seq 42:83, ack 1001, win 64240, ${stamps(100_021, 200_004)}, length 41`) +
    down(7, `Flags [R.], seq 1001, ack 83, win 65000, ${last}length 0`)
  )
}

const timed = (time: string) => `${time} IP `
const untimed = () => 'IP '
const verbose = (time: string) =>
  `${time} IP (tos 0x0, ttl 64, id 0, offset 0, flags [DF], proto TCP (6), length 52)\n    `

describe('what text of tcpdump does not tell is not guessed', () => {
  test("without TTLs a reset in a host's name is possibly its own, and what is missing is said", async () => {
    const report = await reportOf(exchanges({ head: timed, stamped: false }))
    expect(report.verdict).toBe('inconclusive')
    expect(report.findings.map(({ certainty }) => certainty)).toEqual(['possible'])
    expect(report.headline).toContain('Missing: whether the resets came from that host itself')
  })

  test.each([
    ['its TTL', { head: verbose, stamped: false }],
    ['its timestamps', { head: timed, stamped: true }],
  ])("%s says that it is the host's", async (_, print) => {
    const report = await reportOf(exchanges(print))
    expect(report.findings[0]!.certainty).toBe('likely')
    expect(report.verdict).not.toBe('inconclusive')
  })

  test('without times nothing is more than possible', async () => {
    const report = await reportOf(exchanges({ head: untimed, stamped: true }))
    expect(report.verdict).toBe('inconclusive')
    for (const { certainty } of report.findings) expect(certainty).toBe('possible')
    expect(report.headline).toContain('the text has no times')
  })

  test('without times clean connections are not called healthy', async () => {
    const clean = exchange(40_001, 1, { head: untimed, stamped: true })
      .split('\n')
      .slice(0, 6)
      .concat([
        'IP 10.0.0.1.40001 > 10.0.0.2.80: Flags [F.], seq 42, ack 1001, win 64240, length 0',
        'IP 10.0.0.2.80 > 10.0.0.1.40001: Flags [F.], seq 1001, ack 43, win 65000, length 0',
        'IP 10.0.0.1.40001 > 10.0.0.2.80: Flags [.], ack 1002, win 64240, length 0',
      ])
    const report = await reportOf(clean.join('\n'))
    expect(report.connections.listed[0]!.ending).toBe('clean')
    expect(report.verdict).toBe('inconclusive')
    expect(report.headline).toMatch(/^Cannot be judged without times/)
  })
})
