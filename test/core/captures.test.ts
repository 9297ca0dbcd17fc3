import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { fileSource } from '../../src/app/byte-sources.ts'
import { newCore } from '../../src/app/core.ts'
import { packetFilter } from '../../src/app/filter.ts'
import { readFlows } from '../../src/app/read-flows.ts'
import { captureFiles } from '../helpers/capture-pages.ts'
import { bothWays, wasm } from './both.ts'

// What the core does must be what JavaScript does without it, to the last field of every connection.

const read = (path: string) => new Uint8Array(readFileSync(path))
const files = captureFiles()
const some = files.filter((_, i) => i % 8 === 0)
const large = read(join(import.meta.dirname, '../captures/incident/listen-backlog.pcap'))

describe('the same is told of', () => {
  test.each(files.map((path) => [`${basename(dirname(path))}/${basename(path)}`, path]))(
    '%s',
    async (_name, path) => {
      for (const eachConnection of [true, false]) {
        const { core, without } = await bothWays({ files: [read(path)], eachConnection })
        expect(core).toEqual(without)
      }
    },
  )

  test('captures whose octets come in odd pieces', async () => {
    for (const path of some) {
      const { core, without } = await bothWays({ files: [read(path)], step: 1021 })
      expect(core).toEqual(without)
    }
  })

  test('captures that are cut anywhere', async () => {
    for (const [i, path] of some.entries()) {
      const whole = read(path)
      const cut = whole.subarray(0, Math.floor((whole.length * (i + 1)) / (some.length + 2)))
      const { core, without } = await bothWays({ files: [cut] })
      expect(core).toEqual(without)
    }
  })

  test('captures with octets changed here and there', async () => {
    let seed = 7
    for (const path of some) {
      const changed = read(path).slice()
      for (let i = 0; i < 20; i++) {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
        const at = 24 + (seed % (changed.length - 24))
        changed[at] = seed >>> 24
      }
      const { core, without } = await bothWays({ files: [changed] })
      expect(core).toEqual(without)
    }
  })

  test('several captures joined, one of them packed', async () => {
    const [a, b, c] = some.slice(0, 3).map(read)
    const { core, without } = await bothWays({ files: [a!, new Uint8Array(gzipSync(b!)), c!] })
    expect(core).toEqual(without)
  })

  test('a part of a capture, by a filter', async () => {
    const given = {
      files: [large],
      options: {
        filter: (addresses: Parameters<typeof packetFilter>[1], originNs: bigint) =>
          packetFilter({ since: { is: 'relative', ns: 2_000_000_000n } }, addresses, originNs),
      },
    }
    const { core, without } = await bothWays(given)
    expect(core).toEqual(without)
  })

  test('a capture as a second one, with its numbers and times counted on from another', async () => {
    const options = { base: { frame: 1000, connection: 50, originNs: 1_600_000_000_000_000_000n } }
    const { core, without } = await bothWays({ files: [large], options })
    expect(core).toEqual(without)
  })
})

test('most segments do not leave the core', async () => {
  const core = newCore(wasm)
  const run = core.run.bind(core)
  let stops = 0
  core.run = (from, first) => {
    stops++
    return run(from, first)
  }
  const path = join(import.meta.dirname, '../captures/incident/listen-backlog.pcap')
  const source = await fileSource(path)
  const { counts } = await readFlows([{ name: path, bytes: source }], { core })
  expect(stops).toBeLessThan(counts[0]!.tcp / 2)
})
