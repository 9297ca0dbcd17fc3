import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { captureFiles } from '../../test/helpers/capture-pages.ts'
import { type OwnConnection, ownConnections } from './own.ts'
import { capturePaths, textRows } from './tables.ts'
import type { Tally } from './tally.ts'

/** tcpdump's print of a capture must tell the same connections with the same endings as the capture itself. */
export async function compareTexts(folder: string, tally: Tally): Promise<void> {
  const paths = capturePaths(folder)
  for (const { text, capture } of textRows(folder)) {
    const path = paths.get(capture)
    if (path === undefined) continue
    const subject = { peer: 'tcpdump text', file: text.split('/').pop()!, stream: capture }
    checkText(
      subject,
      { fromText: await connections(text), fromCapture: await connections(path) },
      tally,
    )
  }
}

/** What of tcpdump's options changes its lines. */
const SPELLINGS =
  '-nn;-n -v;-nn -vv;-nn -e;-nn -S;-nn -tt;-nn -ttt;-nn -tttt;-nn -ttttt;-nn -# -v;-nn -X;-nn -XX -e;-nn -A'

/** The same of our own captures, printed by the tcpdump of this machine in every spelling. */
export async function comparePrints(tally: Tally): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-prints-'))
  const text = join(folder, 'print.txt')
  try {
    for (const path of captureFiles()) {
      const fromCapture = await connections(path)
      for (const spelling of SPELLINGS.split(';')) {
        const { stdout, error } = spawnSync('tcpdump', ['-r', path, ...spelling.split(' ')], {
          maxBuffer: 1 << 28,
        })
        if (error !== undefined) return console.error(`No prints compared: ${error.message}`)
        writeFileSync(text, stdout)
        const subject = {
          peer: 'tcpdump print',
          file: path.split('/').slice(-2).join('/'),
          stream: spelling,
        }
        checkText(subject, { fromText: await connections(text), fromCapture }, tally)
      }
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Both {
  fromText: readonly OwnConnection[]
  fromCapture: readonly OwnConnection[]
}

function checkText(
  subject: Parameters<Tally['add']>[0],
  { fromText, fromCapture }: Both,
  tally: Tally,
): void {
  const check = (field: string, describe: (list: readonly OwnConnection[]) => string) => {
    const [peer, ours] = [describe(fromCapture), describe(fromText)]
    tally.add(subject, { field, peer, ours, agrees: peer === ours })
  }
  check('connections', (list) => String(list.length))
  check('endings', endings)
}

/** A text without any TCP segment is no capture for the reader: no connections. */
async function connections(path: string): Promise<OwnConnection[]> {
  try {
    return await ownConnections(path)
  } catch (error) {
    if (error instanceof Error && error.name === 'TcpwhyError') return []
    throw error
  }
}

function endings(list: readonly OwnConnection[]): string {
  return list
    .map(({ facts }) => `${facts.ending} ${facts.endedBy ?? ''}`.trim())
    .sort()
    .join(', ')
}
