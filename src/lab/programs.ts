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

/** bin/tcpwhy.js of this installation: what a story lets run in one of its namespaces. */
export function commandPath(): string {
  const found = ['../bin/tcpwhy.js', '../../bin/tcpwhy.js']
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path))
  assert(found !== undefined, 'bin/tcpwhy.js is not in this installation')
  return found
}
