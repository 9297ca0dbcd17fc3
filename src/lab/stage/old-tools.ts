import { appendFileSync } from 'node:fs'
import type { Host } from './host.ts'
import type { Tap } from './tap.ts'

/** Lines of a long output that are enough to recognise it. */
const LINES = 14

/** What an engineer would have typed, with what it printed here: `tools.txt` beside the captures. */
export class OldTools {
  private readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** While the symptom is there. */
  async whileItHappens(host: Host): Promise<void> {
    await this.show(host, ['ss', '-ltn'])
    await this.show(host, ['ss', '-tan'])
  }

  /** After it: counters of the host, and the first lines of its capture. */
  async afterwards(hosts: readonly Host[], taps: readonly Tap[]): Promise<void> {
    for (const host of hosts) await this.show(host, ['nstat', '-as'], /^Tcp(?!.* 0 +0\.0)/)
    for (const { host, path } of taps) {
      await this.show(host, [
        'tcpdump',
        '-nn',
        '-r',
        path,
        'tcp[tcpflags] & (tcp-rst|tcp-fin) != 0',
      ])
    }
  }

  /** A tool that is missing or fails is told as its output: nobody's run ends for it. */
  private async show(host: Host, argv: readonly string[], only = /./): Promise<void> {
    const command = argv.map((word) => (/[ &|]/.test(word) ? `'${word}'` : word)).join(' ')
    let said: string
    try {
      said = await host.run(argv)
    } catch (error) {
      said = error instanceof Error ? error.message : String(error)
    }
    const lines = said.split('\n').filter((line) => only.test(line))
    const shown = lines.slice(0, LINES).map((line) => line.trimEnd())
    if (lines.length > LINES) shown.push(`... ${lines.length - LINES} more lines`)
    appendFileSync(
      this.path,
      `${host.name}$ ${command.replaceAll(/\/\S*\//g, '')}\n${shown.join('\n')}\n\n`,
    )
  }
}
