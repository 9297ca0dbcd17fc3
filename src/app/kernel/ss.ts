import { spawnSync } from 'node:child_process'
import type { HostRead } from '../../host/host-files.ts'

const PATH = 'ss'
const PATIENCE_MS = 15_000
/** 200,000 sockets. */
const MAX_BYTES = 128 * 1024 * 1024

/** iproute2's `ss`, without a shell, in the calling thread's network namespace or, through nsenter, in that of `path`. */
export function runSs(args: readonly string[], path?: string): HostRead<string> {
  const [program, ...words] =
    path === undefined ? ['ss', ...args] : ['nsenter', `--net=${path}`, 'ss', ...args]
  const ended = spawnSync(program!, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PATIENCE_MS,
    maxBuffer: MAX_BYTES,
    // Ordinary users' paths often lack where it is.
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' },
  })
  const code = ended.error !== undefined && 'code' in ended.error ? ended.error.code : ''
  if (code === 'ENOENT') {
    return { is: 'unreadable', why: 'missing', path: PATH, detail: 'the program is not installed' }
  }
  if (ended.error !== undefined || ended.status !== 0) {
    const detail = `the program failed (${ended.error?.message ?? `exit code ${ended.status}`})`
    return { is: 'unreadable', why: 'failed', path: PATH, detail }
  }
  return { is: 'read', value: ended.stdout }
}
