import type { ConnectionSink } from '../app/types.ts'
import { TcpwhyError } from '../base/errors.ts'
import { exportFormats } from '../report/export/index.ts'
import { openFile } from './file.ts'
import type { Output } from './io.ts'

export interface Export extends ConnectionSink {
  close(): Promise<void>
  /** After an error: leaves no half-written file. */
  discard(): Promise<void>
}

/**
 * Where `--export` writes. A file is there only when it is whole; `-` is standard output.
 * @throws TcpwhyError EXPORT_UNKNOWN_FORMAT, OUTPUT_UNWRITABLE
 */
export async function openExport(
  wanted: { path: string; format: string },
  out: Output,
): Promise<Export> {
  const format = exportFormats.find(({ id }) => id === wanted.format)
  if (format === undefined) {
    throw new TcpwhyError(
      'EXPORT_UNKNOWN_FORMAT',
      `There is no export format ${wanted.format}`,
      `Use one of ${exportFormats.map(({ id }) => id).join(', ')}.`,
    )
  }
  const file = wanted.path === '-' ? null : await openFile(wanted.path)
  const target = file ?? out
  const encoder = await format.open()
  return {
    write: (connections) => append(target, encoder.encode(connections)),
    async close() {
      await append(target, encoder.end())
      await file?.close()
    },
    discard: async () => file?.discard(),
  }
}

async function append(target: Output, piece: string | Uint8Array): Promise<void> {
  if (piece.length > 0) await target.write(piece)
}
