import { gzipSync } from 'node:zlib'
import { packTar, type TarEntry } from 'modern-tar'
import { describe, expect, test } from 'vitest'
import { openBundle } from '../../src/app/bundle/open.ts'
import { looksLikeBundle } from '../../src/app/bundle/sniff.ts'
import { UNPACK_LIMITS, unpackBundle } from '../../src/app/bundle/unpack.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { archiveOf, snapshotOf } from './scene.ts'

function file(name: string, body = 'x'): TarEntry {
  return { header: { name, size: body.length }, body }
}

function special(type: 'symlink' | 'link' | 'character-device' | 'block-device' | 'fifo') {
  return { header: { name: 'x/a', type, size: 0, linkname: '../../etc/passwd' } }
}

async function archive(...entries: TarEntry[]): Promise<Uint8Array> {
  return gzipSync(await packTar(entries))
}

async function codeOf(octets: Uint8Array): Promise<string> {
  return openBundle(memorySource(octets), 'given.tar.gz').then(
    () => 'opened',
    (error: { code?: string; message: string }) => error.code ?? `no code: ${error.message}`,
  )
}

const manifest = (changes: object = {}) =>
  JSON.stringify({
    schema: 'tcpwhy.bundle/1',
    host: { name: 'web1', release: '6.1.0' },
    looks: [{ folder: 'look-1', at: '2026-11-30T18:00:00.000Z', monotonicMs: 1, own: '7' }],
    ...changes,
  })

test.each<[string, TarEntry[], string]>([
  ['a way out of the folder', [file('x/../../etc/passwd')], 'BUNDLE_UNSAFE'],
  ['an absolute path', [file('/etc/passwd')], 'BUNDLE_UNSAFE'],
  ['a drive of Windows', [file('x/C:\\windows')], 'BUNDLE_UNSAFE'],
  ['a symbolic link', [special('symlink')], 'BUNDLE_UNSAFE'],
  ['a hard link', [special('link')], 'BUNDLE_UNSAFE'],
  ['a character device', [special('character-device')], 'BUNDLE_UNSAFE'],
  ['a block device', [special('block-device')], 'BUNDLE_UNSAFE'],
  ['a FIFO', [special('fifo')], 'BUNDLE_UNSAFE'],
  ['the same name twice', [file('x/a'), file('x/a')], 'BUNDLE_UNSAFE'],
  ['the same name twice, once with ./', [file('x/a'), file('./x/a')], 'BUNDLE_UNSAFE'],
  ['control characters in a name', [file('x/\x1b[31mred')], 'BUNDLE_UNSAFE'],
  ['an endless name', [file(`x/${'y'.repeat(4000)}`)], 'BUNDLE_UNSAFE'],
  ['no file', [], 'BUNDLE_DAMAGED'],
  ['no manifest', [file('x/photo.jpg')], 'BUNDLE_NO_MANIFEST'],
  ['a manifest that is no JSON', [file('x/manifest.json', '{')], 'BUNDLE_UNSUPPORTED'],
  ['a manifest that is a list', [file('x/manifest.json', '[1]')], 'BUNDLE_UNSUPPORTED'],
  [
    'of a later kind',
    [file('x/manifest.json', manifest({ schema: 'tcpwhy.bundle/2' }))],
    'BUNDLE_UNSUPPORTED',
  ],
  ['no look', [file('x/manifest.json', manifest({ looks: [] }))], 'BUNDLE_UNSUPPORTED'],
  [
    'looks elsewhere',
    [
      file(
        'x/manifest.json',
        manifest({ looks: [{ folder: '../x', at: '2026-11-30', monotonicMs: 1, own: '7' }] }),
      ),
    ],
    'BUNDLE_UNSUPPORTED',
  ],
  ['nothing but a manifest', [file('x/manifest.json', manifest())], 'opened'],
  [
    'nothing but a manifest, packed anew with ./',
    [file('./x/manifest.json', manifest())],
    'opened',
  ],
  [
    'nothing but a manifest, and what Finder adds',
    [file('x/manifest.json', manifest()), file('x/._manifest.json'), file('x/.DS_Store')],
    'opened',
  ],
])('%s: %s', async (_, entries, code) => {
  expect(await codeOf(await archive(...entries))).toBe(code)
})

describe('a bundle of ours', async () => {
  const whole = archiveOf(await snapshotOf())

  test('is told from captures by its first octets, packed or not', async () => {
    const { gunzipSync } = await import('node:zlib')
    expect(looksLikeBundle(whole.subarray(0, 4096))).toBe(true)
    const plain = gunzipSync(whole)
    expect(looksLikeBundle(plain.subarray(0, 4096))).toBe(true)
    expect(await codeOf(plain)).toBe('opened')
    expect(looksLikeBundle(gzipSync(Buffer.alloc(2000, 'tcpdump')))).toBe(false)
    expect(looksLikeBundle(new Uint8Array(0))).toBe(false)
  })

  test.each([0, 1, 20, 300, 0.3, 0.7, 0.999])('cut at %d is refused', async (at) => {
    const end = at < 1 && at > 0 ? Math.floor(whole.length * at) : at
    expect(await codeOf(whole.subarray(0, end))).toBe('BUNDLE_DAMAGED')
  })

  test('with an octet that changed on its way is refused', async () => {
    const changed = whole.slice()
    changed[Math.floor(whole.length / 2)]! ^= 0x10
    expect(await codeOf(changed)).toBe('BUNDLE_DAMAGED')
  })
})

describe('bombs', () => {
  test('much out of little is refused before it is all unpacked', async () => {
    const bomb = await archive(file('x/zeros', '\0'.repeat(64 * 1024 * 1024)))
    expect(bomb.length).toBeLessThan(100_000)
    expect(await codeOf(bomb)).toBe('BUNDLE_TOO_BIG')
  })

  const small = { ...UNPACK_LIMITS, octets: 5_000, fileOctets: 3_000, files: 3 }
  const codeWithin = async (...entries: TarEntry[]) =>
    unpackBundle(memorySource(await archive(...entries)), 'x', small).then(
      () => 'unpacked',
      (error: { code: string }) => error.code,
    )

  test('too many files, too large a file, too much in all', async () => {
    const sized = (name: string, size: number) => file(name, 'x'.repeat(size))
    expect(await codeWithin(file('x/a'), file('x/b'), file('x/c'))).toBe('unpacked')
    expect(await codeWithin(...['a', 'b', 'c', 'd'].map((name) => file(`x/${name}`)))).toBe(
      'BUNDLE_TOO_BIG',
    )
    expect(await codeWithin(sized('x/a', 3_001))).toBe('BUNDLE_TOO_BIG')
    expect(await codeWithin(sized('x/a', 2_600), sized('x/b', 2_600))).toBe('BUNDLE_TOO_BIG')
  })

  test('a size that is not there is not believed', async () => {
    const tar = (await packTar([file('x/a')])).slice()
    // 11 octal digits of the size, and the sum over the header.
    tar.set(new TextEncoder().encode('77777777777'), 124)
    tar.fill(0x20, 148, 156)
    const sum = tar.subarray(0, 512).reduce((total, octet) => total + octet, 0)
    tar.set(new TextEncoder().encode(sum.toString(8).padStart(6, '0')), 148)
    expect(await codeOf(gzipSync(tar))).toBe('BUNDLE_TOO_BIG')
  })
})
