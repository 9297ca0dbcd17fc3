import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

const SCRIPTS = /\.(?:cjs|wasm)$/
const ID_DIGITS = 16

/** Tells one build from another: a digest of what `commandPath` runs and of the programs that stories play with. */
export function buildId(): string {
  const dist = join(dirname(commandPath()), '../dist')
  const digest = createHash('sha256')
  const add = (folder: string, names: readonly string[]) => {
    for (const name of [...names].sort())
      digest.update(name).update(readFileSync(join(folder, name)))
  }
  if (existsSync(dist))
    add(
      dist,
      readdirSync(dist).filter((name) => SCRIPTS.test(name)),
    )
  const programs = dirname(programPath('backend.mjs'))
  const files = readdirSync(programs, { recursive: true, withFileTypes: true })
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name))
  add(
    programs,
    paths.map((path) => path.slice(programs.length + 1)),
  )
  return digest.digest('hex').slice(0, ID_DIGITS)
}
