import { spawnSync } from 'node:child_process'
import type { HostRead } from '../../host/host-files.ts'

const PATIENCE_MS = 5_000
const MAX_BYTES = 16 * 1024 * 1024

/** `nft -j list ruleset`, without a shell, in the calling thread's network namespace. It only reads; root may. */
export function runNft(): HostRead<string> {
  const ended = spawnSync('nft', ['-j', 'list', 'ruleset'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: PATIENCE_MS,
    maxBuffer: MAX_BYTES,
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' },
  })
  const code = ended.error !== undefined && 'code' in ended.error ? ended.error.code : ''
  if (code === 'ENOENT') {
    return { is: 'unreadable', why: 'missing', path: 'nft', detail: 'the program is not installed' }
  }
  if (ended.error !== undefined || ended.status !== 0) {
    const detail = `the program failed (${ended.error?.message ?? `exit code ${ended.status}`})`
    return { is: 'unreadable', why: 'failed', path: 'nft', detail }
  }
  return { is: 'read', value: ended.stdout }
}
