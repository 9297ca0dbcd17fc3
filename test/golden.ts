import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'

/** The text is what the golden file (a path under test/) holds. UPDATE_GOLDEN=1 writes it: then read the diff. */
export function expectGolden(path: string, text: string): void {
  const file = fileURLToPath(new URL(path, import.meta.url))
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  expect(existsSync(file), `${file} is missing: UPDATE_GOLDEN=1 npx vitest run ...`).toBe(true)
  expect(text).toBe(readFileSync(file, 'utf8'))
}
