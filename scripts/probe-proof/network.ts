// Three network namespaces in a row, client - router - server, each run its own; everything is undone in reverse order.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CLIENT = '10.9.1.2'
export const SERVER = '10.9.2.2'
/** The router's address on the client's side, where a proxy on it listens. */
export const ROUTER = '10.9.1.1'

const relay = fileURLToPath(new URL('../../lab/programs/relay.py', import.meta.url))

type Place = 'client' | 'router' | 'server'

export class Network {
  readonly folder = mkdtempSync(join(tmpdir(), 'tcpwhy-proof-'))
  private readonly name: string
  private readonly children: ChildProcess[] = []

  /** @param index  makes the names of this run; two runs at once need two */
  constructor(index: number) {
    this.name = `twproof${process.pid}-${index}`
    try {
      this.build()
    } catch (error) {
      this.close()
      throw error
    }
  }

  private build(): void {
    for (const place of ['client', 'router', 'server'] as const) {
      ip('netns', 'add', this.netns(place))
      ip('-n', this.netns(place), 'link', 'set', 'lo', 'up')
    }
    this.link('client', CLIENT, ROUTER)
    this.link('server', SERVER, '10.9.2.1')
    this.run('router', ['sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  }

  private link(place: 'client' | 'server', address: string, gateway: string): void {
    const [here, router] = [this.netns(place), this.netns('router')]
    ip('-n', here, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', place, 'netns', router)
    ip('-n', here, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    ip('-n', router, 'address', 'add', `${gateway}/24`, 'dev', place)
    ip('-n', router, 'link', 'set', place, 'up')
    ip('-n', here, 'link', 'set', 'eth0', 'up')
    ip('-n', here, 'route', 'add', 'default', 'via', gateway)
  }

  /** Packets between client and server take so long each way: routed through a TUN device that holds them (lab/programs/relay.py). */
  async delay(ms: number): Promise<void> {
    this.start('router', ['python3', '-u', relay, String(ms), '{}'], 'pipe')
    const links = () => this.run('router', ['ip', '-o', 'link'])
    for (let tries = 0; !links().includes('relay:'); tries++) {
      if (tries === 100) throw new Error('no relay')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const router = this.netns('router')
    for (const name of ['all', 'relay']) {
      this.run('router', ['sysctl', '-qw', `net.ipv4.conf.${name}.rp_filter=0`])
    }
    ip('-n', router, 'link', 'set', 'relay', 'up', 'txqueuelen', '5000')
    ip('-n', router, 'route', 'add', 'default', 'dev', 'relay', 'table', '100')
    for (const place of ['client', 'server']) {
      ip('-n', router, 'rule', 'add', 'iif', place, 'lookup', '100', 'pref', '10')
    }
    for (const address of [ROUTER, '10.9.2.1']) {
      ip('-n', router, 'rule', 'add', 'pref', '5', 'to', address, 'lookup', 'local')
    }
  }

  netns(place: Place): string {
    return `${this.name}-${place}`
  }

  /** Runs to its end. @throws when it fails */
  run(place: Place, command: readonly string[], input = ''): string {
    const { status, stdout, stderr } = spawnSync('nsenter', this.words(place, command), {
      input,
      encoding: 'utf8',
    })
    if (status !== 0)
      throw new Error(`${command.join(' ')}: ${stdout.slice(-1000)}${stderr.slice(-1000)}`)
    return stdout
  }

  /** Runs until the network is closed. */
  start(
    place: Place,
    command: readonly string[],
    stdin: 'ignore' | 'pipe' = 'ignore',
  ): ChildProcess {
    const child = spawn('nsenter', this.words(place, command), {
      stdio: [stdin, 'ignore', 'ignore'],
    })
    this.children.push(child)
    return child
  }

  /** Runs to its end, and gives what it printed. */
  output(
    place: Place,
    command: readonly string[],
  ): Promise<{ code: number; out: string; err: string }> {
    const child = spawn('nsenter', this.words(place, command), {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.children.push(child)
    const text = { out: '', err: '' }
    child.stdout.setEncoding('utf8').on('data', (piece) => (text.out += piece))
    child.stderr.setEncoding('utf8').on('data', (piece) => (text.err += piece))
    return new Promise((resolve) =>
      child.on('close', (code) => resolve({ code: code ?? -1, ...text })),
    )
  }

  /** Waits until something listens there. */
  async listening(place: Place, port: number): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if (this.run(place, ['ss', '-Hltn', `sport = :${port}`]).trim() !== '') return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`nothing listens on port ${port} of the ${place}`)
  }

  private words(place: Place, command: readonly string[]): string[] {
    return [`--net=/run/netns/${this.netns(place)}`, ...command]
  }

  close(): void {
    for (const child of this.children.reverse()) child.kill('SIGKILL')
    for (const place of ['server', 'router', 'client'] as const) {
      spawnSync('ip', ['netns', 'del', this.netns(place)])
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function ip(...words: string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`)
}
