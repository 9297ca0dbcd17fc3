import type { ReportFormat } from '../format.ts'
import { html } from './html.ts'
import { json } from './json.ts'
import { markdown } from './markdown.ts'
import { text } from './text.ts'

/** How a report can be written down, sorted by id. */
export const formats = [html, json, markdown, text] as const satisfies readonly ReportFormat[]
