import { createHash } from 'node:crypto'
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programPath } from '../programs.ts'
import { run } from '../stage/process.ts'
import { failed } from '../stage/wait.ts'

/** What takes long to make and is always the same: compiled programs, an empty database. Kept between runs. */
const FOLDER = join(tmpdir(), 'tcpwhy-lab-cache')

/**
 * Makes `name` once; `make` fills the folder that it is given. Two runs at the same time both make it, and one is kept.
 * @returns the finished folder
 */
export async function cached(
  name: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const done = join(ownFolder(), name)
  if (existsSync(done)) return done
  const part = `${done}.${process.pid}.${Math.round(performance.now())}`
  mkdirSync(part, { recursive: true })
  try {
    await make(part)
    if (!existsSync(done)) renameSync(part, done)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return done
}

/** Anybody may make folders in /tmp: what root runs must be root's. */
function ownFolder(): string {
  mkdirSync(FOLDER, { recursive: true, mode: 0o755 })
  const { uid } = lstatSync(FOLDER)
  if (uid !== process.getuid?.() || !lstatSync(FOLDER).isDirectory()) {
    throw failed(`${FOLDER} belongs to somebody else`)
  }
  return FOLDER
}

function nameOf(kind: string, ...files: string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return `${kind}-${hash.digest('hex').slice(0, 16)}`
}

/** The Go program of lab/programs, compiled with Debian's packages. @returns the program */
export async function goProgram(): Promise<string> {
  const source = programPath('app.go')
  const folder = await cached(nameOf('go', source), async (part) => {
    const env = {
      ...process.env,
      GO111MODULE: 'off',
      GOPATH: '/usr/share/gocode',
      GOCACHE: join(part, 'cache'),
      GOFLAGS: '',
      CGO_ENABLED: '0',
    }
    await run(['go', 'build', '-o', join(part, 'app'), source], { env, timeoutMs: 240_000 })
    rmSync(join(part, 'cache'), { recursive: true, force: true })
  })
  return join(folder, 'app')
}

export const JAVA_LIBRARIES = ['HikariCP', 'mariadb-java-client', 'slf4j-api', 'slf4j-nop'].map(
  (name) => `/usr/share/java/${name}.jar`,
)

/** Classes of a Java program of lab/programs. @returns the class path */
export async function javaClasses(
  name: string,
  libraries: readonly string[] = [],
): Promise<string> {
  const source = programPath(`${name}.java`)
  const folder = await cached(nameOf('java', source), async (part) => {
    await run(
      ['javac', '-d', part, ...(libraries.length > 0 ? ['-cp', libraries.join(':')] : []), source],
      {
        timeoutMs: 120_000,
      },
    )
  })
  return [folder, ...libraries].join(':')
}

/** A copy for one run, of what was made once. */
export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
}
