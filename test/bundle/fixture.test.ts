import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unpackBundle } from '../../src/app/bundle/unpack.ts'
import { fileSource } from '../../src/app/byte-sources.ts'
import { diagnoseHost } from '../../src/app/diagnose-host.ts'
import { root } from '../helpers/built.ts'

const path = join(root, 'test/bundles/sick.tar.gz')

describe('a bundle of a real host, on any machine', async () => {
  const report = await diagnoseHost({ forMs: 0, captures: [path] })
  const found = (cause: string) => report.findings.find((finding) => finding.cause === cause)

  test('names the queue that is full, its process and its limit', () => {
    expect(report.verdict).toBe('problem')
    const queue = found('accept-queue-overflow')
    expect(queue).toMatchObject({
      certainty: 'confirmed',
      culprit: { host: 'web1', process: { command: 'python3' } },
    })
    expect(queue?.title).toMatch(/127\.0\.0\.1:8071's accept queue \(4\)/)
    expect(queue?.now?.map(({ command }) => command)).toContain(
      `sudo tcpwhy snapshot --pid ${queue?.culprit.process?.pid}`,
    )
  })

  test('names the process that does not close', () => {
    expect(found('close-wait-leak')?.affected).toMatchObject({ connections: 40, what: 'sockets' })
  })

  test('says of which sources: the host, and the packets that were captured beside', () => {
    expect(report.sources.map(({ kind }) => kind).sort()).toEqual(['bundle', 'capture'])
    expect(report.hosts?.[0]).toMatchObject({
      name: 'web1',
      // It was made within a process namespace.
      missing: [{ what: 'host-processes' }],
    })
  })

  test('beside itself as another host, has each cause once', async () => {
    const both = await diagnoseHost({ forMs: 0, captures: [path, path] })
    const queues = both.findings.filter(({ cause }) => cause === 'close-wait-leak')
    expect(queues.map(({ affected }) => affected.connections)).toEqual([80])
    expect(both.comparison?.differences).toEqual([])
  })

  test('asked for one port, tells of that port only', async () => {
    const part = await diagnoseHost({ forMs: 0, captures: [path], port: 8072 })
    const causes = part.findings.map(({ cause }) => cause)
    expect(causes).toContain('close-wait-leak')
    expect(causes).not.toContain('accept-queue-overflow')
  })

  test('holds nothing of what the service kept secret', async () => {
    const files = await unpackBundle(await fileSource(path), path)
    expect(files.size).toBeGreaterThan(100)
    const told = [...files].filter(([, octets]) => Buffer.from(octets).includes('hunter2'))
    expect(told.map(([name]) => name)).toEqual([])
  })
})
