import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '../..')

/** What users run. `./test.sh` has built it; after an edit it is built here, so that no test looks at yesterday's. */
export function built(): string {
  const cli = join(root, 'bin/tcpwhy.js')
  if (isFresh()) return cli
  const lock = join(root, '.tmp/build.lock')
  const mine = acquire(lock)
  try {
    if (!isFresh()) execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'pipe' })
  } finally {
    if (mine) rmdirSync(lock)
  }
  return cli
}

/** Runs the built `tcpwhy` in the checkout; `text` is what a terminal would show. */
export function tcpwhy(
  args: readonly string[],
  cwd = root,
): { text: string; exitCode: number | null } {
  const env = { ...process.env, NO_COLOR: '1', COLUMNS: '100' }
  const options = { cwd, env, encoding: 'utf8', input: '' } as const
  const { stdout, stderr, status } = spawnSync(process.execPath, [built(), ...args], options)
  return { text: stdout + stderr, exitCode: status }
}

function isFresh(): boolean {
  const made = join(root, 'dist/cli.cache') // the last thing that a build writes
  if (!existsSync(made)) return false
  const madeMs = statSync(made).mtimeMs
  return sources().every((path) => statSync(path).mtimeMs <= madeMs)
}

function sources(): string[] {
  return [
    join(root, 'tsdown.config.ts'),
    ...['src', 'scripts/core'].flatMap((folder) => {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      const code = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      return code.map((name) => join(root, folder, name))
    }),
  ]
}

const LOCK_WAIT_MS = 120_000

/** mkdir is atomic. @returns false when another process held it for too long: then it is presumed dead. */
function acquire(lock: string): boolean {
  mkdirSync(join(lock, '..'), { recursive: true })
  const until = Date.now() + LOCK_WAIT_MS
  while (Date.now() < until) {
    try {
      mkdirSync(lock)
      return true
    } catch {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
  return false
}
