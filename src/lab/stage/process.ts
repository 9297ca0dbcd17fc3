import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { atMost, failed } from './wait.ts'

/** Runs a program without a shell. @returns its standard output  @throws TcpwhyError LAB_FAILED */
export function run(
  argv: readonly string[],
  {
    input,
    timeoutMs = 60_000,
    env,
  }: { input?: string; timeoutMs?: number; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: 'pipe',
      timeout: timeoutMs,
      ...(env ? { env } : {}),
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (octets: Buffer) => out.push(octets))
    child.stderr.on('data', (octets: Buffer) => err.push(octets))
    child.on('error', (cause) => reject(failed(`${program}: ${cause.message}`, cause)))
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(Buffer.concat(out).toString())
      const said = `${Buffer.concat(err)}${Buffer.concat(out)}`.trim().slice(-600)
      reject(failed(`${argv.join(' ').slice(0, 300)}: ${said || `ended with ${code ?? signal}`}`))
    })
  })
}

/** A program that goes on running, with its output in a file. */
export interface Running {
  pid: number
  child: ChildProcess
  /** Null while it runs. */
  exitCode(): number | null
  /** SIGTERM (or what is given), then SIGKILL; by its own pid. */
  end(signal?: NodeJS.Signals): Promise<void>
}

export function start(argv: readonly string[], log: string, options: SpawnOptions = {}): Running {
  const [program = '', ...args] = argv
  const file = openSync(log, 'a')
  const child = spawn(program, args, { stdio: ['ignore', file, file], ...options })
  closeSync(file)
  return running(child)
}

const PATIENCE_MS = 4000

export function running(child: ChildProcess): Running {
  let over = false
  const gone = new Promise<void>((resolve) => {
    const done = () => {
      over = true
      resolve()
    }
    child.on('exit', done)
    child.on('error', done)
  })
  return {
    pid: child.pid ?? -1,
    child,
    exitCode: () => (over ? (child.exitCode ?? -1) : null),
    async end(signal = 'SIGTERM') {
      if (over) return
      child.kill(signal)
      // A stopped process does not hear SIGTERM.
      child.kill('SIGCONT')
      await atMost(PATIENCE_MS, gone)
      if (over) return
      child.kill('SIGKILL')
      await gone
    },
  }
}
