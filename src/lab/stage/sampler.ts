import type { HostFiles } from '../../host/host-files.ts'
import { counters } from '../../host/readers/counters.ts'
import { descriptors } from '../../host/readers/descriptors.ts'
import { sockets } from '../../host/readers/sockets.ts'
import type { Host } from './host.ts'

export type Sample = Record<string, number>

/** Sums of nstat that tell a story here; their growth since the stage stood is shown. */
export const TELLING_COUNTERS =
  /^(Tcp(OutRsts|EstabResets|AttemptFails|RetransSegs|InCsumErrors)|TcpExt(Listen\w+|TCPReqQ\w+|Syncookies\w+|TCPAbort\w+|TCPTimeouts|TCPKeepAlive|PAWS\w+|EmbryonicRsts|TCPWinProbe|TCPSynRetrans|TCPDeferAcceptDrop|TCPMTUP\w+))$/

/** Everything that is read each second: states, queues, descriptors, counters, and what the scenario adds. */
export class Sampler {
  private readonly files: HostFiles
  private readonly hosts: readonly Host[]
  private readonly before = new Map<string, ReadonlyMap<string, number>>()
  private readonly watched: { name: string; pid: number }[] = []
  private readonly gauges = new Map<string, () => number | null>()

  constructor(files: HostFiles, hosts: readonly Host[]) {
    this.files = files
    this.hosts = hosts
    for (const host of hosts) this.before.set(host.name, this.counts(host))
  }

  /** Its descriptors are counted from outside: a process that has none left cannot count its own. */
  watch(name: string, pid: number): void {
    this.watched.push({ name, pid })
  }

  /** A number of the scenario's own: requests answered, connections of a pool. */
  gauge(name: string, read: () => number | null): void {
    this.gauges.set(name, read)
  }

  sample(): Sample {
    const sample: Sample = {}
    for (const host of this.hosts) {
      Object.assign(sample, this.socketsOf(host))
      for (const [name, value] of this.rose(host)) sample[`${host.name} ${name}`] = value
    }
    for (const { name, pid } of this.watched) {
      const [found] = descriptors.read(this.files, { pids: [pid] }).processes
      if (found !== undefined) sample[`${name} descriptors`] = found.total
    }
    for (const [name, read] of this.gauges) {
      const value = read()
      if (value !== null) sample[name] = value
    }
    return sample
  }

  /** Growth of the counters since the stage stood. */
  rose(host: Host): [string, number][] {
    const before = this.before.get(host.name)
    return [...this.counts(host)]
      .map(([name, value]): [string, number] => [name, value - (before?.get(name) ?? 0)])
      .filter(([, by]) => by > 0)
  }

  private counts(host: Host): Map<string, number> {
    const { counters: all } = counters.read(this.files, { netOf: host.holder })
    return new Map([...all].filter(([name]) => TELLING_COUNTERS.test(name)))
  }

  private socketsOf(host: Host): Sample {
    const sample: Sample = {}
    const add = (name: string, by: number) => {
      sample[`${host.name} ${name}`] = (sample[`${host.name} ${name}`] ?? 0) + by
    }
    for (const { state, idiag_rqueue } of sockets.read(this.files, { netOf: host.holder })
      .sockets) {
      if (state === 'LISTEN') add('accept queue', idiag_rqueue)
      else add(state, 1)
    }
    return sample
  }
}
