import { expect, test } from 'vitest'
import { pcapFile } from '../../../test/helpers/pcap-writer.ts'
import { readCapture } from '../../../test/helpers/read-capture.ts'
import { hostWith } from '../../../test/helpers/recorded-host.ts'
import { memorySource } from '../../capture/byte-source.ts'
import { ChunkInput } from '../../capture/chunks.ts'
import { pcap } from '../../capture/formats/pcap.ts'
import { newSourceState } from '../../capture/source-state.ts'
import { interfaceNames } from './interfaces.ts'
import { Recorder } from './recorder.ts'

const SLL2 = 276
const T0 = 1_800_000_000_000_000_001n

/** A Linux cooked packet that came by the interface of this index. */
function cooked(index: number): Uint8Array {
  const octets = new Uint8Array(40)
  new DataView(octets.buffer).setUint32(4, index)
  return octets
}

async function recorded(link: number, packets: readonly Uint8Array[]) {
  const records = packets.map((data, i) => ({
    timeNs: T0 + BigInt(i) * 1000n,
    data,
    wireLen: 1500,
  }))
  const state = newSourceState(0, 'tcpdump')
  const stream = pcap.read(
    new ChunkInput(memorySource(pcapFile({ ns: true, link, records })), 64),
    state,
  )
  const names = new Map([[2, 'eth0']])
  const recorder = new Recorder({
    section: { application: 'test' },
    interface: 'any',
    snapLen: 160,
    filter: 'tcp',
    nameOf: (index) => names.get(index) ?? null,
  })
  const file = [recorder.header().slice()]
  for (let batch = await stream.next(); batch !== null; batch = await stream.next()) {
    const added = recorder.newInterfaces(batch)
    if (added !== null) file.push(added.slice())
    file.push(recorder.encode(batch, state.clock.originNs!, null).slice())
  }
  file.push(
    recorder.onlyInterface(state.info.interfaces[0]?.link ?? null)?.slice() ?? new Uint8Array(),
  )
  const counts = { captured: 3, received: 9, droppedByKernel: 4, droppedByInterface: null }
  file.push(recorder.trailer(counts, { startNs: T0, endNs: T0 }).slice())
  return readCapture([Buffer.concat(file)])
}

test('every interface that packets came by is named; losses are at its end', async () => {
  const { records, sources } = await recorded(SLL2, [cooked(2), cooked(7), cooked(2)])
  expect(records.map(({ timeNs, wireLen, link }) => [timeNs - T0, wireLen, link])).toEqual([
    [0n, 1500, SLL2],
    [1000n, 1500, SLL2],
    [2000n, 1500, SLL2],
  ])
  expect(sources[0]!.interfaces).toEqual([
    { name: 'eth0', link: SLL2, dropped: 4, received: 9 },
    { name: 'interface 7', link: SLL2, dropped: null, received: null },
  ])
  expect(sources[0]!.faults).toEqual([])
})

test('one interface, and a cooked packet that is cut before its index', async () => {
  expect((await recorded(1, [new Uint8Array(60)])).sources[0]!.interfaces).toMatchObject([
    { name: 'any', link: 1 },
  ])
  expect((await recorded(SLL2, [new Uint8Array(5)])).records).toHaveLength(1)
})

test('no packet came: the interface is described all the same', async () => {
  const { sources, records } = await recorded(SLL2, [])
  expect(records).toEqual([])
  expect(sources[0]!.interfaces).toMatchObject([{ name: 'any', dropped: 4 }])
})

test('names of interfaces, from files that need no entering', () => {
  const host = hostWith({
    files: {
      '/proc/77/net/igmp':
        'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n12\teth0      :     1      V3\n',
      '/proc/77/net/if_inet6': 'fe80000000000000000000000000000a 0b 40 20 80    wg0\n',
      '/proc/77/net/dev_mcast': '13   br0             1     0     01005e000001\n',
    },
  })
  expect([...interfaceNames(host, 77)]).toEqual([
    [1, 'lo'],
    [12, 'eth0'],
    [11, 'wg0'],
    [13, 'br0'],
  ])
  expect(interfaceNames(host, 78).size).toBe(0)
})
