import { promises } from 'node:fs'
import { TcpwhyError } from '../../base/errors.ts'
import { type Explanation, explain } from '../../report/explain/explain.ts'
import { catalogText, explainText } from '../../report/explain/explain-text.ts'
import type { Io } from '../io.ts'
import type { Arguments } from '../spec.ts'

/** `tcpwhy explain [WHAT]`. @throws TcpwhyError EXPLAIN_UNKNOWN */
export async function run({ operands }: Arguments, io: Io): Promise<number> {
  const width = (await io.out.columns?.()) ?? Number(io.env['COLUMNS'])
  await io.out.write(operands.length === 0 ? catalogText({ width }) : await answer(operands, width))
  return 0
}

async function answer(operands: readonly string[], width: number): Promise<string> {
  const explanation = explain(operands.join(' '))
  if (explanation.kind === 'unknown') throw notKnown(explanation)
  const page = explanation.kind === 'cause' ? await pageOf(explanation.id) : null
  return explainText(explanation, page === null ? { width } : { width, page })
}

function notKnown({ query, nearest, states }: Extract<Explanation, { kind: 'unknown' }>) {
  const near = [...states, ...nearest.map(({ id }) => id)]
  const meant = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `
  return new TcpwhyError(
    'EXPLAIN_UNKNOWN',
    `No cause, TCP state or known error line: ${query.slice(0, MAX_ECHO)}`,
    `${meant}tcpwhy explain lists all causes; an error line goes in quotes.`,
  )
}

const MAX_ECHO = 300

// From dist/ and from src/cli/commands/.
const DOCS = ['../docs/causes/', '../../../docs/causes/']

async function pageOf(id: string): Promise<string | null> {
  for (const folder of DOCS) {
    try {
      return await promises.readFile(new URL(`${folder}${id}.md`, import.meta.url), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return null
}
