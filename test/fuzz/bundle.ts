import { gunzipSync, gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { machineOfBundle, openBundle } from '../../src/app/bundle/open.ts'
import { reportOf } from '../../src/app/diagnose-host.ts'
import { TcpwhyError } from '../../src/base/errors.ts'
import { memorySource } from '../../src/capture/byte-source.ts'
import { archiveOf, snapshotOf } from '../bundle/scene.ts'
import { hostFrom } from '../helpers/recorded-host.ts'
import type { FuzzTarget } from './target.ts'

const bundle = archiveOf(await snapshotOf(hostFrom('test/hosts/6.18'), { ports: [80] }))
const plain = new Uint8Array(gunzipSync(bundle))

/** Any octets in; out comes our own error or a report. */
async function check(octets: Uint8Array): Promise<void> {
  try {
    const opened = await openBundle(memorySource(octets), 'fuzz')
    reportOf([machineOfBundle(opened, 'bundle')])
  } catch (error) {
    if (!(error instanceof TcpwhyError)) throw error
  }
}

/** Changed octets of the JSON and binary files reach their readers only in an archive that is sound. */
async function checkFile(name: string, octets: Uint8Array): Promise<void> {
  const { files } = await openBundle(memorySource(bundle), 'fuzz')
  const entries = [...files].map(([path, body]) => {
    const own = path.endsWith(name) ? octets : body
    return { header: { name: `x/${path}`, size: own.length }, body: own }
  })
  await check(gzipSync(await packTar(entries), { level: 1 }))
}

const { files } = await openBundle(memorySource(bundle), 'fuzz')
const inside = ['manifest.json', 'reads.json', 'recording.json', 'pages.bin', 'inet.bin']

export const bundleTargets: readonly FuzzTarget[] = [
  { id: 'bundle-packed', check, samples: [bundle] },
  { id: 'bundle-tar', check, samples: [plain] },
  ...inside.map((name) => ({
    id: `bundle-${name}`,
    check: (octets: Uint8Array) => checkFile(name, octets),
    samples: [...files].filter(([path]) => path.endsWith(name)).map(([, octets]) => octets),
  })),
]
