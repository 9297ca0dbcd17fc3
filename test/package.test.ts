import { execFileSync, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { built, root } from './helpers/built.ts'

// What `npm publish` would send: packed, installed into an empty folder, used as a stranger would.
const place = mkdtempSync(join(tmpdir(), 'tcpwhy-package-'))
const project = join(place, 'project')
/**
 * The reading of captures, as command and as library, keeps the 600 kB (2 MB unpacked) that it was given. What came after: the script
 * that looks at hosts, probes and makes incidents, 145 kB (476 kB); the WebAssembly of what every segment goes through, 18 kB (44 kB);
 * the lab's programs and the schemas of probe, lab and bundle, 22 kB (106 kB). 965 kB (3.3 MB) in all when this was written: the
 * causes of captures have grown by a quarter (answers cut in the middle, both sides of a NAT drawn, errors of more platforms, pasted text),
 * what is said of settings, limits of servers and the lab's stories stands in the second script.
 */
const MAX_PACKED_OCTETS = 990_000
const MAX_UNPACKED_OCTETS = 3_450_000
/** tcpwhy itself and what it needs at run time. */
const MAX_PACKAGES = 10
const INSTALL_MS = 180_000

interface Packed {
  filename: string
  size: number
  unpackedSize: number
  files: { path: string }[]
}
let packed: Packed

beforeAll(() => {
  built()
  const out = npm(['pack', '--json', '--ignore-scripts', '--pack-destination', place], root)
  packed = (JSON.parse(out) as Packed[])[0]!
  mkdirSync(project)
  const own = { name: 'somebody', version: '1.0.0', private: true, type: 'module' }
  writeFileSync(join(project, 'package.json'), JSON.stringify(own))
  const tarball = join(place, packed.filename)
  npm(['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], project)
  copyFileSync(
    join(root, 'test/captures/incident/listen-backlog.pcap'),
    join(project, 'incident.pcap'),
  )
}, INSTALL_MS)

afterAll(() => rmSync(place, { recursive: true }))

describe('the package', () => {
  test('holds what is used and nothing of the workshop', () => {
    const paths = packed.files.map(({ path }) => path)
    const kinds = new Set(paths.map((path) => path.split('/')[0]))
    expect([...kinds].sort()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'bin',
        'dist',
        'docs',
        'lab',
        'package.json',
        'schema',
      ].sort(),
    )
    expect(paths.filter((path) => /\.map$|\.test\.|(?<!\.d)\.ts$|\.pcap/.test(path))).toEqual([])
    expect(paths).toContain('dist/index.d.ts')
    const pages = readdirSync(join(root, 'docs/causes')).map((name) => `docs/causes/${name}`)
    expect(paths).toEqual(expect.arrayContaining(pages))
  })

  test('is small', () => {
    expect(packed.size).toBeLessThan(MAX_PACKED_OCTETS)
    expect(packed.unpackedSize).toBeLessThan(MAX_UNPACKED_OCTETS)
  })

  test('brings few others with it', () => {
    const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8'))
    // The lock also names what koffi has for other platforms; those are not on the disk.
    const installed = Object.keys(lock.packages).filter(
      (path) => path !== '' && existsSync(join(project, path)),
    )
    expect(installed.length, installed.join(', ')).toBeLessThanOrEqual(MAX_PACKAGES)
  })
})

describe('installed into an empty folder', () => {
  test('tcpwhy names the cause of a capture', () => {
    const { stdout, status } = tcpwhy(['incident.pcap', '--json'])
    expect(status).toBe(1)
    expect(JSON.parse(stdout).findings[0].cause).toBe('accept-queue-overflow')
  })

  test('tcpwhy explain finds the pages', () => {
    const page = readFileSync(join(root, 'docs/causes/keep-alive-race.md'), 'utf8')
    const { stdout, status } = tcpwhy(['explain', 'keep-alive-race'])
    expect(status).toBe(0)
    expect(stdout).toContain(page.match(/^## Seen\n\n- (.{20})/m)![1])
  })

  test.each(['csv', 'jsonl', 'parquet'])('tcpwhy --export to %s', (format) => {
    const { status, stderr } = tcpwhy(['incident.pcap', '--quiet', '--export', `all.${format}`])
    expect(status, stderr).toBe(1)
    expect(readFileSync(join(project, `all.${format}`)).length).toBeGreaterThan(1000)
  })

  test('tcpwhy --help and --version', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(tcpwhy(['--version']).stdout).toBe(`tcpwhy ${version}\n`)
    expect(tcpwhy(['--help']).stdout).toContain('explain')
  })

  test('the commands of the second script run, and their errors are errors of the first', () => {
    expect(tcpwhy(['lab', 'list'])).toMatchObject({ status: 0, stderr: '' })
    const wrong = tcpwhy(['queue', '--kernel', 'none'])
    expect(wrong.status).toBe(2)
    expect(wrong.stderr).toMatch(/^tcpwhy: .* \[BAD_ARGUMENT\]\n/)
  })

  test('the schema can be imported', () => {
    const code =
      "import s from 'tcpwhy/schema/tcpwhy.report.1.json' with { type: 'json' }; console.log(s.title)"
    expect(node(['--no-warnings', '--input-type=module', '-e', code]).stdout).toBe(
      'tcpwhy Report\n',
    )
  })

  describe('the example of docs/library.md', () => {
    const page = readFileSync(join(root, 'docs/library.md'), 'utf8')
    const example = page.match(/```ts\n([\s\S]*?)```/)![1]!

    test('has types', () => {
      writeFileSync(join(project, 'example.ts'), `${example}\nexport {}\n`)
      mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
      symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
      const options = ['--strict', '--noEmit', '--target', 'es2023', '--types', 'node']
      const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
      const tsc = join(root, 'node_modules/ts7/bin/tsc')
      const { stdout, status } = node([tsc, ...options, ...modules, 'example.ts'])
      expect(stdout).toBe('')
      expect(status).toBe(0)
    })

    test('a wrong use does not compile', () => {
      const wrong =
        "import { analyze } from 'tcpwhy'\n(await analyze('x')).report.verdict === 'fine'\n"
      writeFileSync(join(project, 'wrong.ts'), wrong)
      const options = ['--strict', '--noEmit', '--target', 'es2023', '--types', 'node']
      const modules = ['--module', 'nodenext', '--moduleResolution', 'nodenext']
      const tsc = join(root, 'node_modules/ts7/bin/tsc')
      expect(node([tsc, ...options, ...modules, 'wrong.ts']).stdout).toContain('TS2367')
    })

    test('runs', () => {
      writeFileSync(join(project, 'example.mjs'), example)
      const { stdout, stderr } = node(['example.mjs'])
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^problem .*accept queue/)
      expect(stdout).toContain('accept-queue-overflow likely server')
    })
  })
})

describe('starting', () => {
  const dist = join(root, 'dist')

  test('the command needs no other package for a plain capture or its help', () => {
    const bare = mkdtempSync(join(place, 'bare-'))
    for (const path of ['bin', 'dist', 'package.json']) {
      cpSync(join(root, path), join(bare, path), { recursive: true })
    }
    const run = (args: string[]) =>
      spawnSync(process.execPath, ['bin/tcpwhy.js', ...args], { cwd: bare, encoding: 'utf8' })
    // Nor what looks at hosts, probes and makes incidents: a second script, which only its own commands load.
    // import() of a module that the first script has would give that script's own exports, not the module's.
    const host = readFileSync(join(bare, 'dist/cli-host.cjs'), 'utf8')
    expect(host).not.toContain('require(`./cli.cjs`))')
    rmSync(join(bare, 'dist/cli-host.cjs'))
    expect(run([join(project, 'incident.pcap')])).toMatchObject({ status: 1, stderr: '' })
    expect(run(['--help'])).toMatchObject({ status: 0, stderr: '' })
    expect(run(['explain', 'ECONNRESET']).stderr).toBe('')
    expect(run(['lab', 'list']).stderr).toContain("Cannot find module './cli-host.cjs'")
  })

  test('a checkout that is not built yet says how to build it', () => {
    const fresh = mkdtempSync(join(place, 'fresh-'))
    cpSync(join(root, 'bin'), join(fresh, 'bin'), { recursive: true })
    const { status, stderr } = spawnSync(join(fresh, 'bin/tcpwhy.js'), ['lab', 'list'], {
      encoding: 'utf8',
    })
    const command = `cd ${fresh} && npm ci && npm run build`
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `tcpwhy is not built yet. Run: ${command}\n`,
    })
  })

  test('the compiled form of the command is one that this Node takes, and is not published', () => {
    expect(packed.files.map(({ path }) => path)).not.toContain('dist/cli.cache')
    const source = readFileSync(join(dist, 'cli.cjs'), 'latin1')
    const { compiled } = partsOf(readFileSync(join(dist, 'cli.cache')))
    const script = new Script(
      `(function (exports, require, module, __filename, __dirname) {${source}\n})`,
      { filename: join(dist, 'cli.cjs'), cachedData: compiled },
    )
    expect(script.cachedDataRejected).toBe(false)
    expect(readFileSync(join(root, 'bin/tcpwhy.js'), 'utf8')).toContain(
      '(function (exports, require, module, __filename, __dirname) {',
    )
  })

  test('an installed copy makes the compiled form itself, when it first reads a file', () => {
    const { copy, cache, run } = copied()
    rmSync(cache)
    expect(run(['--version']).status).toBe(0)
    expect(existsSync(cache)).toBe(false)
    const first = run([join(project, 'incident.pcap')])
    expect(first).toMatchObject({ status: 1, stderr: '' })
    const made = readFileSync(cache)
    expect(run([join(project, 'incident.pcap')])).toMatchObject({ status: 1, stdout: first.stdout })
    expect(readFileSync(cache).equals(made)).toBe(true)
    // One that is no good is passed over, and made anew.
    writeFileSync(cache, 'no compiled form')
    expect(run([join(project, 'incident.pcap')])).toMatchObject({ status: 1, stdout: first.stdout })
    expect(readFileSync(cache).length).toBeGreaterThan(100_000)
    expect(readdirSync(join(copy, 'dist')).filter((name) => /cache/.test(name))).toEqual([
      'cli.cache',
    ])
  })

  test('the compiled form that another Node made is passed over, though V8 would take it', () => {
    // What V8 takes, because it is as long as the command, and does something else: only the maker's name keeps it out.
    const { copy, cache, run } = copied()
    const { length } = readFileSync(join(copy, 'dist/cli.cjs'), 'latin1')
    const head = '(function (exports, require, module, __filename, __dirname) {'
    const other = new Script(
      `${head}${"process.stdout.write('taken')".padEnd(length)}\n})`, // as bin/tcpwhy.js wraps it
    )
    other.runInThisContext()
    const { maker } = partsOf(readFileSync(cache))
    const keep = (by: string) =>
      writeFileSync(cache, Buffer.concat([other.createCachedData(), Buffer.from(by)]))
    keep(maker)
    expect(run(['--version']).stdout).toBe('taken')
    expect(maker.split(' ').slice(0, 3)).toEqual([
      `\n${process.version}`,
      process.platform,
      process.arch,
    ])
    for (const another of [maker.replace('v', 'v1'), maker.replace(process.arch, 'mips'), '']) {
      keep(another)
      expect(run(['--version']).stdout).toMatch(/^tcpwhy /)
    }
    expect(run([join(project, 'incident.pcap')])).toMatchObject({ status: 1, stderr: '' })
    expect(partsOf(readFileSync(cache)).maker).toBe(maker)
  })

  test('analysing a capture needs nothing but what Node has everywhere', () => {
    // No binding, no child process: macOS and Windows analyse captures too.
    const modules = readdirSync(dist)
      .filter((name) => name.endsWith('.js'))
      .flatMap((name) => [
        ...readFileSync(join(dist, name), 'utf8').matchAll(/["'`]node:([\w/]+)["'`]/g),
      ])
      .map(([, name]) => name!)
    // net: to wait on a FIFO in a way that can be given up. os: where temporary files go, asked by who keeps more than 10,000 rows.
    const known = [
      'fs',
      'fs/promises',
      'net',
      'os',
      'path',
      'process',
      'stream',
      'tty',
      'util',
      'zlib',
    ]
    expect(modules.length).toBeGreaterThan(0)
    expect(modules.filter((name) => !known.includes(name))).toEqual([])
  })
})

/** A checkout of its own, built. */
function copied() {
  const copy = mkdtempSync(join(place, 'copy-'))
  for (const path of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, path), join(copy, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const run = (args: string[]) =>
    spawnSync(process.execPath, ['bin/tcpwhy.js', ...args], { cwd: copy, encoding: 'utf8' })
  return { copy, cache: join(copy, 'dist/cli.cache'), run }
}

/** Of dist/cli.cache: what V8 made, and the line behind it that says which Node that was. */
function partsOf(cache: Buffer) {
  const at = cache.lastIndexOf('\n')
  return { compiled: cache.subarray(0, at), maker: cache.subarray(at).toString() }
}

function npm(args: string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function node(args: string[]) {
  return spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' })
}

function tcpwhy(args: string[]) {
  return spawnSync(join(project, 'node_modules/.bin/tcpwhy'), args, {
    cwd: project,
    encoding: 'utf8',
  })
}

test('the second script asks the first for nothing later on: what it would get has not the names that it looks for', () => {
  const script = readFileSync(join(root, 'dist/cli-host.cjs'), 'utf8')
  expect(script).toContain('./cli.cjs')
  expect(script).not.toMatch(/then\(\(\) ?=> ?require\(["'`]\.\/cli\.cjs/)
})
