import type { SpawnOptions } from 'node:child_process'
import { join } from 'node:path'
import { type Running, run, start } from './process.ts'
import { Puppet } from './puppet.ts'
import { sysctlLines } from './sysctls.ts'
import type { Undo } from './undo.ts'
import { until } from './wait.ts'

export type HostName = 'router' | 'client' | 'client2' | 'server' | 'server2' | 'db'

/** One machine on the stage: a network namespace. */
export class Host {
  readonly name: HostName
  readonly namespace: string
  /** The router's is the one towards the first host. */
  readonly address: string
  private readonly folder: string
  private readonly undo: Undo
  private made: Promise<Puppet> | null = null
  /** A process that only holds the namespace: /proc/PID/net is how it is looked at from outside. */
  holder = -1

  constructor(of: {
    name: HostName
    namespace: string
    address: string
    folder: string
    undo: Undo
  }) {
    this.name = of.name
    this.namespace = of.namespace
    this.address = of.address
    this.folder = of.folder
    this.undo = of.undo
  }

  /** What goes before a program's words so that it runs here; nsenter becomes the program, so pids are right. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.namespace}`, '--']
  }

  run(argv: readonly string[], input?: string): Promise<string> {
    return run([...this.enter, ...argv], input === undefined ? {} : { input })
  }

  /** A server or client program; ended when the stage closes. */
  spawn(
    argv: readonly string[],
    {
      log = `${argv[0]?.split('/').at(-1)}.log`,
      port,
      deadlineMs = 20_000,
      ...options
    }: SpawnOptions & {
      log?: string
      /** Wait until something listens there. */
      port?: number
      deadlineMs?: number
    } = {},
  ): Promise<Running> {
    const process = start(
      [...this.enter, ...argv],
      join(this.folder, `${this.name}-${log}`),
      options,
    )
    this.undo.add(`ending ${argv[0]} at ${this.name}`, () => process.end())
    if (port === undefined) return Promise.resolve(process)
    return this.listening(port, { deadlineMs, process }).then(() => process)
  }

  async listening(
    port: number,
    { deadlineMs, process }: { deadlineMs: number; process: Running },
  ): Promise<void> {
    const ready = async () => {
      if (process.exitCode() !== null) return true
      return (await this.run(['ss', '-Hltn', `sport = :${port}`])) !== ''
    }
    await until(`port ${port} at ${this.name}`, ready, { deadlineMs })
    if (process.exitCode() !== null)
      throw new Error(`ended with ${process.exitCode()} before it listened at ${port}`)
  }

  puppet(): Promise<Puppet> {
    this.made ??= this.newPuppet()
    return this.made
  }

  /** Another process with its own sockets, to be killed alone. */
  async newPuppet(): Promise<Puppet> {
    const puppet = await Puppet.start(this.enter)
    this.undo.add(`ending a puppet at ${this.name}`, () => puppet.process.end('SIGKILL'))
    return puppet
  }

  async sysctl(values: Readonly<Record<string, string | number>>): Promise<void> {
    await this.run(['sysctl', '-e', '-q', '-p', '-'], sysctlLines(values))
  }

  async nft(rules: string): Promise<void> {
    await this.run(['nft', '-f', '-'], rules)
  }

  /** Lines for `ip -batch`. */
  async ip(...lines: string[]): Promise<void> {
    await run(['ip', '-n', this.namespace, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }
}

/** An nftables chain as text: chain('forward', 'tcp dport 81 drop'). */
export function chain(
  hook: 'prerouting' | 'forward' | 'postrouting' | 'input' | 'output',
  rules: readonly string[],
  { type = 'filter', table = 'inet lab' }: { type?: 'filter' | 'nat'; table?: string } = {},
): string {
  const priority = hook === 'prerouting' ? -100 : hook === 'postrouting' ? 100 : 0
  return `table ${table} { chain ${hook} { type ${type} hook ${hook} priority ${priority}; policy accept;\n${rules.join('\n')}\n}\n}\n`
}
