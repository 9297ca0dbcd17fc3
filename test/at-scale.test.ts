import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Report } from '../src/diagnose/report.ts'
import { diagnoseCapture } from './helpers/diagnose-capture.ts'
import { multiplied } from './helpers/multiplied.ts'

// An incident with thousands of connections alike is told as surely as its first ones, though then not every connection is looked at,
// let alone its payload.

const read = (path: string) =>
  new Uint8Array(readFileSync(join(import.meta.dirname, 'captures', `${path}.pcap`)))

describe.each([
  ['accept-queue-overflow/syn-dropped.server', 500],
  ['close-with-unread-data/early-response-upload', 60],
  ['linger-zero/server-aborts', 900],
  ['client-timeout/one-second', 900],
] as const)('%s, %i times over', (path, times) => {
  test('the same is found, of as many connections', async () => {
    const small = await diagnoseCapture(read(path))
    const large = await diagnoseCapture(await multiplied(read(path), times, 300))
    expect(found(large)).toEqual(found(small))
    const of = (report: Report) => report.findings[0]!.affected.connections
    expect(of(large)).toBe(of(small) * times)
    expect(large.connections.total).toBe(small.connections.total * times)
  })
})

function found({ findings }: Report): string[] {
  return findings.map((f) => `${f.cause} ${f.variant ?? ''} ${f.certainty} ${f.culprit.side}`)
}
