import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Node } from './nodes.ts'

/** As a stranger begins; then what reads and judges captures, and the package, packed and installed. Not what needs root. */
const STEPS = [
  'npm ci --no-audit --no-fund',
  'npm run --silent build',
  'npx vitest run test/package.test.ts test/captures.test.ts test/conclusions.test.ts test/core test/reports src/capture src/packet src/flow src/app src/cli',
]

/** HEAD of this checkout in a new folder, with this Node for everything.   @returns what failed, with its last words */
export function freshClone(node: Node, root: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-clone-'))
  try {
    execFileSync('git', ['clone', '--quiet', root, folder])
    const env = {
      ...node.env,
      CI: 'true',
      PATH: `${dirname(node.path)}${delimiter}${process.env['PATH']}`,
    }
    for (const step of STEPS) {
      const [program, ...words] = step.split(' ')
      const options = { cwd: folder, env, encoding: 'utf8' } as const
      const { status, stdout, stderr } = spawnSync(program!, words, options)
      if (status !== 0) return [`${step}: exit ${status}: ${`${stdout}${stderr}`.slice(-1500)}`]
    }
    return []
  } finally {
    rmSync(folder, { recursive: true })
  }
}
