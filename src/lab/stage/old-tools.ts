import { appendFileSync } from 'node:fs'
import type { Host } from './host.ts'
import { TELLING_COUNTERS } from './sampler.ts'
import type { Tap } from './tap.ts'

/** Lines of a long output that are enough to recognise it. */
const LINES = 16
/** Of `netstat -s`: sentences that tell of trouble. */
const TELLING =
  /listen|overflow|reset|abort|retrans|timeout|failed|cookies|reject|drop|zero window/i

/** What an engineer would have typed, with what it printed here: `tools.txt` beside the captures. */
export class OldTools {
  private readonly path: string
  private readonly typed: { host: Host; argv: readonly string[] }[] = []
  private readonly pids: number[] = []

  constructor(path: string) {
    this.path = path
  }

  /** Typed while the symptom is there. */
  type(host: Host, argv: readonly string[]): void {
    this.typed.push({ host, argv })
  }

  /** Whose descriptors are looked at. */
  watch(pid: number): void {
    this.pids.push(pid)
  }

  async whileItHappens(host: Host): Promise<void> {
    await this.show(host, ['ss', '-ltn'])
    await this.show(host, ['ss', '-tan'])
    for (const pid of this.pids) {
      await this.show(host, ['lsof', '-nP', '-a', '-p', String(pid), '-i', 'TCP'])
    }
    for (const { host: where, argv } of this.typed) await this.show(where, argv)
  }

  /** Counters, of which those are shown that rose and tell something. */
  async afterwards(hosts: readonly Host[]): Promise<void> {
    for (const host of hosts) {
      const rose = (line: string) => {
        const [name = '', value] = line.split(/\s+/)
        return TELLING_COUNTERS.test(name) && value !== '0'
      }
      await this.show(host, ['nstat', '-as'], rose)
      await this.show(
        host,
        ['netstat', '-s', '-t'],
        (line) => TELLING.test(line) && !/ 0 /.test(line),
      )
    }
  }

  /** One connection as each capture has it. */
  async connection(taps: readonly Tap[], clientPort: number | null): Promise<void> {
    const filter = clientPort === null ? 'tcp' : `tcp port ${clientPort}`
    for (const { host, path } of taps) {
      await this.show(host, ['tcpdump', '-nn', '-ttt', '-r', path, filter])
    }
  }

  /** A tool that is missing or fails is told as its output: nobody's run ends for it. */
  private async show(
    host: Host,
    argv: readonly string[],
    only: (line: string) => boolean = (line) => line !== '',
  ): Promise<void> {
    const command = argv.map((word) => (/[ &|]/.test(word) ? `'${word}'` : word)).join(' ')
    const lines = (await output(host, argv)).split('\n').filter(only)
    // ss prints its heading also where there is nothing.
    if (lines.length === 0 || (lines.length === 1 && argv[0] === 'ss')) return
    const shown = lines.slice(0, LINES).map((line) => line.trimEnd())
    if (lines.length > LINES) shown.push(`... ${lines.length - LINES} more lines`)
    appendFileSync(
      this.path,
      `${host.name}$ ${command.replaceAll(/\/\S*\/(?=\S+\.pcap)/g, '')}\n${shown.join('\n')}\n\n`,
    )
  }
}

async function output(host: Host, argv: readonly string[]): Promise<string> {
  try {
    return await host.run(argv)
  } catch (error) {
    // "nsenter ... -- curl ...: curl: (7) Failed to connect": what the tool itself said.
    const said = error instanceof Error ? error.message : String(error)
    return said.slice(said.indexOf(`${argv[0]}: `) === -1 ? 0 : said.indexOf(`${argv[0]}: `))
  }
}
