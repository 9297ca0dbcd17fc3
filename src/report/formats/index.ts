import type { ReportFormat } from '../format.ts'
import { json } from './json.ts'
import { text } from './text.ts'

/** How a report can be written down, sorted by id. */
export const formats = [json, text] as const satisfies readonly ReportFormat[]

export type FormatId = (typeof formats)[number]['id']
