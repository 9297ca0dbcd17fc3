import { spawn } from 'node:child_process'
import { TcpwhyError } from '../base/errors.ts'
import { commandPath } from '../lab/programs.ts'
import type { LabReport } from '../lab/report.ts'

/**
 * `tcpwhy lab run` in a process of its own: what one story is analysed with must not keep the clocks of others from running.
 * @throws TcpwhyError LAB_FAILED, LAB_CANNOT_RUN, LAB_STOPPED
 */
export function runLabApart(
  {
    id,
    variant,
    keep,
    touchHost,
  }: { id: string; variant: string; keep: string | null; touchHost: boolean },
  signal: AbortSignal,
): Promise<LabReport> {
  const argv = [commandPath(), 'lab', 'run', id, '--variant', variant, '--json', '--quiet']
  if (keep !== null) argv.push('--keep', keep)
  if (touchHost) argv.push('--touch-host')
  // A group of its own: Ctrl-C comes once, from here.
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (octets: Buffer) => out.push(octets))
  child.stderr.on('data', (octets: Buffer) => err.push(octets))
  const stop = () => child.kill('SIGINT')
  signal.addEventListener('abort', stop, { once: true })
  return new Promise<LabReport>((resolve, reject) => {
    child.on('error', (cause) => reject(failed(`lab run: ${cause.message}`)))
    child.on('close', (code, killedBy) => {
      if (signal.aborted) return reject(new TcpwhyError('LAB_STOPPED', 'Stopped', ''))
      if (code === 0 || code === 1) return resolve(JSON.parse(Buffer.concat(out).toString()))
      reject(errorOf(Buffer.concat(err).toString(), code ?? killedBy))
    })
  }).finally(() => signal.removeEventListener('abort', stop))
}

/** "tcpwhy: What happened [CODE]" and a line on what to do. */
export function errorOf(said: string, end: number | string | null): TcpwhyError {
  const [, what, code] = /^tcpwhy: (.*) \[([A-Z_]+)\]$/m.exec(said) ?? []
  if (what === undefined) return failed(`lab run ended with ${end}: ${said.slice(0, 500)}`)
  const todo = said.split('\n')[1] ?? ''
  return new TcpwhyError(code === 'LAB_CANNOT_RUN' ? code : 'LAB_FAILED', what, todo)
}

function failed(what: string): TcpwhyError {
  return new TcpwhyError('LAB_FAILED', what, 'tcpwhy lab run ID says more.')
}
