import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'
import { version } from '../base/version.ts'
import { buildId } from '../lab/programs.ts'
import type { KeptRun, ScoreRun } from '../lab/report.ts'

/** DIR/RUN/SCENARIO.VARIANT/: kept.json, and what is worth a look where it did not go as expected. */
const FILE = 'kept.json'

export function folderOf(
  keep: string,
  { run, scenario, variant }: Pick<KeptRun, 'run' | 'scenario' | 'variant'>,
): string {
  return join(keep, String(run), `${scenario}.${variant}`)
}

/** Whole or not at all: a run that is killed meanwhile plays this story again. */
export function keepRun(
  keep: string,
  of: Pick<KeptRun, 'run' | 'scenario' | 'variant'>,
  played: ScoreRun,
): void {
  const folder = folderOf(keep, of)
  mkdirSync(folder, { recursive: true })
  const tool = { name: 'tcpwhy' as const, version }
  const made = { tool, build: buildId(), kernel: release() }
  const kept: KeptRun = { schema: 'tcpwhy.lab-kept/1', ...made, ...of, played }
  const path = join(folder, FILE)
  writeFileSync(`${path}.part`, `${JSON.stringify(kept, null, 2)}\n`)
  renameSync(`${path}.part`, path)
}

/** What a story left that went as expected is not looked at again. */
export function forgetRecording(folder: string): void {
  for (const name of ['before', 'report.json']) {
    rmSync(join(folder, name), { recursive: true, force: true })
  }
}

/** What a playing that was killed left in the folder of its story is no part of the next one. */
export function clearFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
}

/**
 * A run that was killed goes on only as what it was: with the same build of tcpwhy, on the same kernel.
 * @throws TcpwhyError LAB_KEPT_OTHER
 */
export function checkSame(keep: string, kept: readonly KeptRun[]): void {
  const [build, kernel] = [buildId(), release()]
  const other = kept.find((one) => one.build !== build || one.kernel !== kernel)
  if (other === undefined) return
  const by = other.kernel === kernel ? 'another build of tcpwhy' : `Linux ${other.kernel}`
  throw new TcpwhyError(
    'LAB_KEPT_OTHER',
    `${keep} keeps what ${by} has played`,
    `Give another folder; tcpwhy lab score --aggregate ${keep} adds up what is there.`,
  )
}

const OF_A_RUN = ['before', 'after', 'report.json'] as const

/** `lab run --keep`: what two runs left in one folder could not be told apart. @throws TcpwhyError LAB_KEPT_OTHER */
export function checkUnused(keep: string): void {
  const found = OF_A_RUN.find((name) => existsSync(join(keep, name)))
  if (found === undefined) return
  throw new TcpwhyError(
    'LAB_KEPT_OTHER',
    `${keep} has ${found} of an earlier run`,
    'Give another folder, or remove what is there.',
  )
}

/** All that were kept there, in order of their runs. @throws TcpwhyError LAB_KEPT_UNREADABLE */
export function keptRuns(keep: string): KeptRun[] {
  if (!existsSync(keep)) {
    throw new TcpwhyError(
      'LAB_KEPT_UNREADABLE',
      `There is no folder ${keep}`,
      'Give one that lab score --keep has made.',
    )
  }
  const numbers = readdirSync(keep).filter((name) => /^\d{1,3}$/.test(name))
  return numbers
    .sort((a, b) => Number(a) - Number(b))
    .flatMap((number) =>
      readdirSync(join(keep, number)).flatMap((story) => {
        const path = join(keep, number, story, FILE)
        return existsSync(path) ? [readKept(path)] : []
      }),
    )
}

function readKept(path: string): KeptRun {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8'))
    if (kept.schema === 'tcpwhy.lab-kept/1' && Array.isArray(kept.played?.concluded)) return kept
  } catch {
    // Told below.
  }
  throw new TcpwhyError(
    'LAB_KEPT_UNREADABLE',
    `${path} is not what lab score --keep writes`,
    'Remove it: the story is then played again.',
  )
}
