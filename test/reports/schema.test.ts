import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { schemas, schemaText } from '../../scripts/schema.ts'
import { json } from '../../src/report/formats/json.ts'
import { fixtures, healthy } from './fixtures.ts'
import { ladders } from './ladders.ts'

function shipped(file: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8')
}

function validator(file: string) {
  return new Ajv({ allowUnionTypes: true }).compile(JSON.parse(shipped(file)))
}

describe('JSON schema', () => {
  for (const schema of schemas) {
    test(`${schema.file} is what the types say (npm run schema)`, () => {
      expect(shipped(schema.file)).toBe(schemaText(schema))
    })
  }

  const report = validator('schema/tcpwhy.report.1.json')

  for (const [name, fixture] of Object.entries(fixtures)) {
    test(`--json of ${name} is valid`, () => {
      const printed = [...json.render(fixture, { color: false, verbose: false })].join('')
      report(JSON.parse(printed))
      expect(report.errors ?? []).toEqual([])
    })
  }

  for (const [name, wrong] of Object.entries({
    'a verdict of its own': { ...healthy, verdict: 'fine' },
    'another version': { ...healthy, schema: 'tcpwhy.report/2' },
    'no headline': { ...healthy, headline: undefined },
    'a cause that is none': { ...healthy, excluded: [{ cause: 'gremlins', because: [] }] },
    'evidence without a frame': {
      ...healthy,
      excluded: [
        { cause: 'packet-loss', because: [{ kind: 'frame', text: 'x', source: 'capture-1' }] },
      ],
    },
  })) {
    test(`refuses ${name}`, () => {
      expect(report(JSON.parse(JSON.stringify(wrong)))).toBe(false)
    })
  }

  test('a ladder is valid', () => {
    const ladder = validator('schema/tcpwhy.ladder.1.json')
    for (const fixture of Object.values(ladders)) {
      ladder(JSON.parse(JSON.stringify(fixture)))
      expect(ladder.errors ?? []).toEqual([])
    }
  })
})
