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
    const [fromText, fromCapture] = [await connections(text), await connections(path)]
    const check = (field: string, describe: (list: readonly OwnConnection[]) => string) => {
      const [peer, ours] = [describe(fromCapture), describe(fromText)]
      tally.add(subject, { field, peer, ours, agrees: peer === ours })
    }
    check('connections', (list) => String(list.length))
    check('endings', endings)
  }
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
