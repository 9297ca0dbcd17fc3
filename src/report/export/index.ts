import { csv } from './csv.ts'
import type { ExportFormat } from './format.ts'
import { jsonl } from './jsonl.ts'
import { parquet } from './parquet.ts'

/** How the connection table can be written, sorted by id; the id is also the file's extension. */
export const exportFormats: readonly ExportFormat[] = [csv, jsonl, parquet]
