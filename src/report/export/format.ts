import type { ConnectionSummary } from '../../diagnose/report.ts'

/** Turns chunks of connections into octets of a file, one chunk after the other. */
export interface Encoder {
  /** Octets or text to append now; what is empty is still being gathered. */
  encode(connections: readonly ConnectionSummary[]): string | Uint8Array
  /** The rest of the file. */
  end(): string | Uint8Array
}

export interface ExportFormat {
  id: string
  title: string
  /** Asynchronous, because a format may have to load a library. */
  open(): Promise<Encoder>
}
