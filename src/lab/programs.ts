import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { assert } from '../base/assert.ts'

// From dist/ and from src/lab/.
const FOLDERS = ['../lab/programs/', '../../lab/programs/']

/** Where a program of ours lies: lab/programs/ of the package. */
export function programPath(name: string): string {
  const found = FOLDERS.map((folder) =>
    fileURLToPath(new URL(folder + name, import.meta.url)),
  ).find((path) => existsSync(path))
  assert(found !== undefined, `lab/programs/${name} is not in this installation`)
  return found
}
