import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { built } from '../../test/helpers/built.ts'
import type { Node } from './nodes.ts'

export interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

const CAPTURE = 'test/captures/incident/listen-backlog.pcap'

/** What this checkout has built, with its captures, in a folder of its own, where every Node may keep what it compiles. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'tcpwhy-portability-'))
  private readonly own: Node = {
    kind: 'linux-x64',
    name: `this Node, ${process.version}`,
    path: process.execPath,
    command: [process.execPath],
    env: process.env,
  }
  private readonly expected: string

  constructor(root: string) {
    built()
    for (const path of ['bin', 'dist', 'package.json', 'scripts/portability', 'test/captures']) {
      cpSync(join(root, path), join(this.folder, path), { recursive: true })
    }
    this.expected = this.reports(this.own)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }

  run(node: Node, words: readonly string[]): Ended {
    const [program, ...before] = node.command
    const options = { cwd: this.folder, env: node.env, encoding: 'utf8', input: '' } as const
    return spawnSync(program, [...before, ...words], options)
  }

  tcpwhy(node: Node, words: readonly string[]): Ended {
    return this.run(node, ['bin/tcpwhy.js', ...words])
  }

  /** @returns the lines of every-report.mjs that are not as this Node has them */
  reportsDiffer(node: Node): string[] {
    const told = this.reports(node)
    if (told === this.expected) return []
    const expected = new Set(this.expected.split('\n'))
    const other = told.split('\n').filter((line) => !expected.has(line))
    return other.length > 0 ? other : ['it told less']
  }

  /** The compiled form that the Node before it kept, then its own: the same report, and not a word beside it. */
  foreignCache(node: Node): string[] {
    const right = this.tcpwhy(this.own, [CAPTURE])
    const cache = join(this.folder, 'dist/cli.cache')
    const faults: string[] = []
    for (const by of ['another Node', 'itself']) {
      const { status, stdout, stderr } = this.tcpwhy(node, [CAPTURE])
      const same = status === right.status && stdout === right.stdout && stderr === ''
      if (!same) faults.push(`with the compiled form of ${by}: exit ${status} ${stderr}`)
    }
    const maker = readFileSync(cache, 'latin1').split('\n').at(-1) ?? ''
    const version = node.name.split(' ')[1] ?? ''
    if (!maker.startsWith(`${version} `)) faults.push(`it kept no compiled form: ${maker}`)
    return faults
  }

  private reports(node: Node): string {
    const out = join(this.folder, 'reports.txt')
    rmSync(out, { force: true })
    const { status, stderr } = this.run(node, [
      'scripts/portability/every-report.mjs',
      'reports.txt',
    ])
    return status === 0 ? readFileSync(out, 'utf8') : `exit ${status}: ${stderr}`
  }
}
