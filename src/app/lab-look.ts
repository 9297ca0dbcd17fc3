import { copyFileSync } from 'node:fs'
import type { Report } from '../diagnose/report.ts'
import type { MachineFacts } from '../evidence/machine.ts'
import type { Host } from '../lab/stage/host.ts'
import { analyzeCaptures } from './analyze.ts'
import { resolveTarget } from './capture/target.ts'
import { reportOf } from './diagnose-host.ts'
import { nodeHost } from './node-host.ts'
import { observe } from './observe.ts'
import { PacketsBeside } from './packets-beside.ts'

/** Who is told of a symptom watches while it lasts, at least and at most so long. */
const WATCH_MS = { least: 5000, most: 20_000 }

/** What `tcpwhy diagnose --netns` would see of one host of the stage, while the story goes on. */
export class LabLook {
  private machine: MachineFacts | null = null
  private packets: string | null = null
  private missing: MachineFacts['missing'] = []

  /**
   * @param ended  the story is over
   * @param stopped  nobody wants to know any more
   * @param forMs  null: until then
   * @param keep  where the packets are put
   */
  async watch(
    host: Host,
    {
      ended,
      stopped,
      forMs,
      keep,
    }: { ended: AbortSignal; stopped: AbortSignal; forMs: number | null; keep: string },
  ): Promise<void> {
    const finish = new AbortController()
    stopped.addEventListener('abort', () => finish.abort(), { once: true })
    const least = setTimeout(() => {
      if (ended.aborted) finish.abort()
      else ended.addEventListener('abort', () => finish.abort(), { once: true })
    }, WATCH_MS.least)
    const most = forMs ?? WATCH_MS.most
    const beside = new PacketsBeside({ forMs: most, finish: finish.signal })
    try {
      const target = resolveTarget(nodeHost(), { netns: host.namespace })
      this.machine = await observe({
        forMs: most,
        ask: { namespace: (found) => found.name === host.namespace },
        finish: finish.signal,
        beside: () => beside.run(target),
      })
      const path = beside.file()
      if (path !== null && !stopped.aborted) {
        copyFileSync(path, keep)
        this.packets = keep
      }
      this.missing = beside.missing
    } finally {
      clearTimeout(least)
      beside.remove()
    }
  }

  /** Blind: of the host alone, and with what was captured there meanwhile. */
  async reports(): Promise<['live' | 'live-packets', Report][]> {
    const { machine, packets, missing } = this
    if (machine === null) return []
    const alone = reportOf([machine])
    if (packets === null) return [['live', alone]]
    const machines = [{ ...machine, missing: [...machine.missing, ...missing] }]
    const sources = { inputs: [packets], at: [], filter: {}, all: false, machines }
    const { report } = await analyzeCaptures(sources)
    return [
      ['live', alone],
      ['live-packets', report],
    ]
  }
}
