import { spawnSync } from 'node:child_process'
import type { HostRead } from '../../host/host-files.ts'

/**
 * What a program of the system prints, without a shell, in the calling thread's network namespace or, through nsenter, in that
 * of `netns`.
 * @param bounds  how long it may take, ms, and how much it may print, octets
 */
export function runTool(
  name: string,
  args: readonly string[],
  bounds: { patienceMs: number; maxOctets: number },
  netns?: string,
): HostRead<string> {
  const [program, ...words] =
    netns === undefined ? [name, ...args] : ['nsenter', `--net=${netns}`, name, ...args]
  const ended = spawnSync(program!, words, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: bounds.patienceMs,
    maxBuffer: bounds.maxOctets,
    // Ordinary users' paths often lack where it is.
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`, LC_ALL: 'C' },
  })
  const code = ended.error !== undefined && 'code' in ended.error ? ended.error.code : ''
  if (code === 'ENOENT') {
    return { is: 'unreadable', why: 'missing', path: name, detail: 'the program is not installed' }
  }
  if (ended.error !== undefined || ended.status !== 0) {
    const detail = `the program failed (${ended.error?.message ?? `exit code ${ended.status}`})`
    return { is: 'unreadable', why: 'failed', path: name, detail }
  }
  return { is: 'read', value: ended.stdout }
}
