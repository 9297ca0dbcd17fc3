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
  const kept: KeptRun = { schema: 'tcpwhy.lab-kept/1', tool, kernel: release(), ...of, played }
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
