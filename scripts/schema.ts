// npm run schema: writes schema/*.json from the types of the machine-readable outputs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createGenerator } from 'ts-json-schema-generator'

const root = fileURLToPath(new URL('..', import.meta.url))

export const schemas = [
  { file: 'schema/tcpwhy.report.1.json', path: 'src/diagnose/report.ts', type: 'Report' },
  {
    file: 'schema/tcpwhy.bundle.1.json',
    path: 'src/host/bundle/manifest.ts',
    type: 'BundleManifest',
  },
  { file: 'schema/tcpwhy.queue.1.json', path: 'src/host/queue-report.ts', type: 'QueueReport' },
  { file: 'schema/tcpwhy.probe.1.json', path: 'src/probe/report.ts', type: 'ProbeReport' },
  { file: 'schema/tcpwhy.lab.1.json', path: 'src/lab/report.ts', type: 'LabReport' },
  { file: 'schema/tcpwhy.lab-score.1.json', path: 'src/lab/report.ts', type: 'LabScore' },
  { file: 'schema/tcpwhy.ladder.1.json', path: 'src/diagnose/ladder.ts', type: 'Ladder' },
] as const

/** The JSON schema (draft 7) of one of our types, as the text of its file. */
export function schemaText({ path, type }: (typeof schemas)[number]): string {
  const generator = createGenerator({
    path: `${root}${path}`,
    tsconfig: `${root}tsconfig.json`,
    type,
    // Types are checked by `npm run types`, with a newer compiler than the generator's.
    skipTypeCheck: true,
    // Fields are added in later versions: whoever validates must not fall over them.
    additionalProperties: true,
  })
  const schema = { title: `tcpwhy ${type}`, ...generator.createSchema(type) }
  return `${JSON.stringify(schema, null, 2)}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(`${root}schema`, { recursive: true })
  for (const schema of schemas) writeFileSync(`${root}${schema.file}`, schemaText(schema))
}
