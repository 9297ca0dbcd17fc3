import { expect, test } from 'vitest'
import { probeIdle } from '../../src/app/probe/index.ts'
import { idleText } from '../../src/report/probe/idle-text.ts'
import { pageText } from '../helpers/examples.ts'
import { VirtualWorld } from '../probe/virtual-world.ts'

// The fourth incident takes an hour: here it is played on a virtual clock, and the page shows what is printed. UPDATE_GOLDEN=1 writes
// nothing here: copy the text into the page.

test('docs/probe.md shows incident 4 as tcpwhy probe idle tells it', async () => {
  const common = { rttMs: 1, heedsKeepalive: true } as const
  const vip = { ...common, limitMs: 1_800_000, flavour: 'reset' } as const
  const world = new VirtualWorld(
    { ...vip, ttl: { handshake: 62, ending: 63 } },
    { '10.0.0.21': { ...common, limitMs: Number.POSITIVE_INFINITY, flavour: 'silent' } },
  )
  const report = await world.play(
    probeIdle(
      {
        targets: ['vip=10.0.0.9:80', 'server=10.0.0.21:80'],
        maxMs: 3_600_000,
        precisionMs: 5000,
        keepalive: { idleS: 60, intervalS: 60, count: 5 },
        say: { is: 'http', path: '/checkalive' },
      },
      {},
      world.port(),
    ),
  )
  const page = pageText('docs/probe.md')
  const text = idleText(report, { color: false })
  const shown = /```text\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  // "..." stands for the settings that the page leaves out.
  const [head = '', tail = ''] = shown.split('...\n')
  expect(text.startsWith(head), text).toBe(true)
  expect(text.endsWith(tail), text).toBe(true)
  expect(head.length + tail.length).toBeGreaterThan(1000)
})
