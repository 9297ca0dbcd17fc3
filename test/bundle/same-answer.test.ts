import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { machineOfBundle, openBundle } from '../../src/app/bundle/open.ts'
import { reportOf } from '../../src/app/diagnose-host.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { scrubTrace } from '../../src/host/bundle/scrub/trace.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'
import { comparable } from '../helpers/comparable.ts'
import { type Changes, hostFrom } from '../helpers/recorded-host.ts'
import { recordedEvents } from './events.ts'
import { archiveOf, FOLDER, KERNEL_LOG, scene, snapshotOf, twoNamespaces } from './scene.ts'

const shapes: Record<string, Changes> = {
  'two network namespaces': twoNamespaces,
  'sockets of ss': { without: ['netlink'] },
  'sockets of /proc only': { without: ['netlink', 'ss'] },
  'a namespace that may not be entered': { ...twoNamespaces, namespaces: { 42: null } },
  'descriptors that may not be seen': { denied: [`/proc/${scene.server}/fd`] },
}

describe.each(Object.entries(shapes))('%s', (_, changes) => {
  test('a bundle gives the facts and the report that the host gives', async () => {
    const taken = await snapshotOf(hostFrom(FOLDER, changes))
    const bundle = await openBundle(memorySource(archiveOf(taken)), 'scene.tar.gz')
    const machine = machineOfBundle(bundle, 'host')
    expect(taken.machine.after.namespaces[0]?.sockets.length).toBeGreaterThan(5)
    expect(comparable(machine)).toEqual(comparable(taken.machine))
    expect(reportOf([machine])).toEqual(reportOf([taken.machine]))
  })
})

describe('a bundle', async () => {
  const taken = await snapshotOf(undefined, { pids: [scene.server], ports: [scene.port] })
  const { manifest, files, looks } = await openBundle(memorySource(archiveOf(taken)), 'x')
  const textOf = (name: string) => new TextDecoder().decode(files.get(name))

  test('has what the manifest lists, with its sizes, and a manifest as its schema says', async () => {
    const listed = manifest.files.map(({ name, octets }) => `${name} ${octets}`)
    const there = [...files].map(([name, { length }]) => `${name} ${length}`)
    expect(there.filter((one) => !one.startsWith('manifest.json '))).toEqual(listed)
    const { schemaText, schemas } = await import('../../scripts/schema.ts')
    const schema = schemas.find(({ type }) => type === 'BundleManifest')!
    const ajv = new Ajv({ strict: false })
    const valid = ajv.validate(JSON.parse(schemaText(schema)), JSON.parse(textOf('manifest.json')))
    expect([valid, ajv.errors]).toEqual([true, null])
  })

  test('says what was asked for and remembers it', () => {
    expect(manifest.asked).toEqual({ forMs: 0, pids: [scene.server], ports: [scene.port] })
    expect(manifest.processes[0]).toBe(scene.server)
    expect(looks).toHaveLength(2)
  })

  test('has the kernel log, and says how much of it was withheld', () => {
    expect(textOf('kernel-log.txt')).toBe(KERNEL_LOG)
    expect(manifest.leftOut.map(({ what }) => what)).toContain('lines of the kernel log: 1')
  })

  test('cannot be made where there is no Linux', async () => {
    const host = hostFrom(FOLDER, { platform: 'darwin' })
    await expect(snapshotOf(host)).rejects.toMatchObject({ code: 'HOST_NOT_LINUX' })
  })
})

test('less than what is in a bundle can be asked of it', async () => {
  const taken = await snapshotOf()
  const bundle = await openBundle(memorySource(archiveOf(taken)), 'x')
  const { after } = machineOfBundle(bundle, 'host', { ports: [scene.port] })
  const ports = after.namespaces.flatMap(({ sockets }) =>
    sockets.map(({ local, remote }) => local.port === scene.port || remote.port === scene.port),
  )
  expect(ports.length).toBeGreaterThan(0)
  expect(ports).not.toContain(false)
})

test('what does not fit is left out by its worth, and said', async () => {
  const whole = await snapshotOf()
  const small = await snapshotOf(undefined, { maxOctets: whole.octets + 60_000 })
  expect(small.octets).toBeLessThan(whole.octets)
  const bundle = await openBundle(memorySource(archiveOf(small)), 'x')
  expect(bundle.manifest.leftOut.map(({ why }) => why).join()).toContain('--max-size')
  const machine = machineOfBundle(bundle, 'host')
  expect(machine.after.namespaces[0]?.sockets.length).toBeGreaterThan(5)
})

test('where the kernel lies in memory is not in the recorded events, and the events are the same', () => {
  const recording = recordedEvents()
  const scrubbed = scrubTrace(recording)
  const withoutSocket = (facts: ReturnType<typeof eventsOf>) => comparable(facts)
  expect(withoutSocket(eventsOf(scrubbed))).toEqual(withoutSocket(eventsOf(recording)))
  expect(pointersIn(recording)).toBeGreaterThan(10)
  expect(pointersIn(scrubbed)).toBe(0)
})

/** Words that look like an address of the kernel: ffff8..., ffffffff8... */
function pointersIn({ pages }: { pages: readonly { octets: Uint8Array }[] }): number {
  let count = 0
  for (const { octets } of pages) {
    const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength)
    for (let at = 0; at + 8 <= octets.length; at += 4) {
      const word = view.getBigUint64(at, true)
      if (word >> 47n === 0x1ffffn && word < 0xffff_ffff_ffff_0000n) count++
    }
  }
  return count
}
