import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { programPath } from '../programs.ts'
import { type Running, running } from './process.ts'
import { failed } from './wait.ts'

/** What an application got: the value, or the name of its error (ECONNRESET, ETIMEDOUT, EOF, ...). */
export type Got<T = Record<string, number>> = { ok: true; value: T } | { ok: false; error: string }

export type Order = { op: string } & Record<string, unknown>

/** A process of lab/programs/puppet.py inside a namespace: sockets as a scenario wants them. */
export class Puppet {
  private readonly child: ChildProcess
  readonly process: Running
  private readonly waiting = new Map<number, { resolve(got: Got): void; reject(e: Error): void }>()
  private next = 1
  private readonly complaints: string[] = []

  private constructor(child: ChildProcess) {
    this.child = child
    this.process = running(child)
  }

  static async start(enter: readonly string[]): Promise<Puppet> {
    const [program = '', ...args] = [...enter, 'python3', '-u', programPath('puppet.py')]
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const puppet = new Puppet(child)
    await puppet.listen()
    return puppet
  }

  private listen(): Promise<void> {
    const { stdout, stderr, stdin } = this.child
    stdin!.on('error', () => {})
    stderr!.on('data', (octets: Buffer) => this.complaints.push(octets.toString()))
    return new Promise((resolve, reject) => {
      this.waiting.set(0, { resolve: () => resolve(), reject })
      createInterface({ input: stdout! }).on('line', (line) => this.hear(line))
      const gone = (cause?: Error) => {
        const said = this.complaints.join('').slice(-400)
        const error = failed(`A puppet ended: ${cause?.message ?? said}`)
        for (const { reject } of this.waiting.values()) reject(error)
        this.waiting.clear()
      }
      this.child.on('exit', () => gone())
      this.child.on('error', gone)
    })
  }

  private hear(line: string): void {
    const { id, value, error, bug } = JSON.parse(line)
    const waiter = this.waiting.get(id)
    this.waiting.delete(id)
    if (bug !== undefined) waiter?.reject(failed(`puppet: ${bug}`))
    else waiter?.resolve(error === undefined ? { ok: true, value } : { ok: false, error })
  }

  /** What the socket call gave; an error of the network is a result, not an exception. */
  try(order: Order): Promise<Got> {
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject })
      this.child.stdin!.write(`${JSON.stringify({ ...order, id })}\n`)
    })
  }

  /** @throws TcpwhyError LAB_FAILED where it must work and does not */
  async do(order: Order): Promise<Record<string, number>> {
    const got = await this.try(order)
    if (got.ok) return got.value
    throw failed(`${order.op} ${JSON.stringify(order)}: ${got.error}`)
  }
}

/** "answered", or the error's name: what the tables of scenarios count. */
export function outcomeOf(got: Got): string {
  return got.ok ? 'answered' : got.error
}
