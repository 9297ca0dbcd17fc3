import { setMaxListeners } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EventsFacts } from '../../host/events.ts'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'
import { programPath } from '../programs.ts'
import type { LabEvent } from '../types.ts'
import type { Host, HostName } from './host.ts'
import { type Load, type LoadPlan, startLoad } from './load.ts'
import { addressOf, layNetwork } from './network.ts'
import { OldTools } from './old-tools.ts'
import { withoutForeignListeners } from './own-listeners.ts'
import type { Puppet } from './puppet.ts'
import { type Sample, Sampler } from './sampler.ts'
import { releaseSlot, type Slot, startTimeOf, takeSlot } from './slot.ts'
import { endTap, startTap, type Tap, type TapOptions } from './tap.ts'
import { type Touchable, touchHost } from './touch-host.ts'
import { Undo } from './undo.ts'
import { cannot, sleep, until } from './wait.ts'
import { resetsOnWire, type WireReset } from './wire-resets.ts'

export interface StageOptions {
  files: HostFiles
  emit: (event: LabEvent) => void
  signal: AbortSignal
  /** Sysctls that exist once for the machine may be changed (and are put back). */
  touchHost: boolean
  /** Called when the symptom begins, with the host that suffers: a live diagnosis watches it for some seconds. */
  look?: (host: Host, until: { ended: AbortSignal; forMs: number | null }) => Promise<void>
  /** The kernel's own events, of the whole machine, from when the stage stands until its end. */
  watch?: () => { stop(): EventsFacts }
}

/** What was recorded while it ran. */
export interface Recording {
  captures: { at: HostName; path: string; lost: number }[]
  /** Of the whole machine; null: nobody watched. */
  events: EventsFacts | null
  /** RSTs that the captures hold, as tcpdump reads them. */
  resets: WireReset[]
  samples: { atMs: number; values: Sample }[]
  counters: Record<string, [string, number][]>
}

/** A router that takes time. */
export interface Relay {
  /** From now on nothing passes for so long. */
  outage(seconds: number): void
}

const SAMPLE_MS = 1000

/** Machines joined by a router, made of this one's namespaces; all that is done here is undone by `close`. */
export class Stage {
  readonly slot: Slot
  readonly undo = new Undo()
  readonly signal: AbortSignal
  private readonly options: StageOptions
  private hosts = new Map<HostName, Host>()
  private readonly taps: Tap[] = []
  private sampler: Sampler | null = null
  private events: { stop(): EventsFacts } | null = null
  private readonly ended = new AbortController()
  private readonly samples: { atMs: number; values: Sample }[] = []
  private readonly marks: { text: string; when: (sample: Sample) => boolean }[] = []
  private readonly oldTools: OldTools
  private loads = 0
  private looking: Promise<void> | undefined
  private showing: Promise<void> | undefined
  private readonly beginMs = performance.now()

  constructor(options: StageOptions) {
    this.options = options
    this.signal = options.signal
    // Every step that waits listens for Ctrl-C.
    setMaxListeners(0, options.signal)
    this.slot = takeSlot()
    this.oldTools = new OldTools(this.path('tools.txt'))
    this.undo.add(`removing ${this.slot.folder}`, () => releaseSlot(this.slot))
  }

  /** Client, server and what else is named, each on a net of its own, joined by a router. */
  async lay(...names: Exclude<HostName, 'router'>[]): Promise<void> {
    this.hosts = await layNetwork(this.slot, names, this.undo)
    this.events = this.options.watch?.() ?? null
    this.undo.add("ending the watch of the kernel's events", () => {
      this.events?.stop()
    })
    this.sampler = new Sampler(this.options.files, [...this.hosts.values()])
    const timer = setInterval(() => this.takeSample(), SAMPLE_MS)
    this.undo.add('ending the samples', () => clearInterval(timer))
  }

  host(name: HostName): Host {
    const found = this.hosts.get(name)
    if (found === undefined) throw new Error(`no ${name} on this stage`)
    return found
  }

  get client(): Host {
    return this.host('client')
  }

  get server(): Host {
    return this.host('server')
  }

  get router(): Host {
    return this.host('router')
  }

  /** More addresses of a host, in its own net. */
  async addAddresses(name: Exclude<HostName, 'router'>, count: number): Promise<string[]> {
    const host = this.host(name)
    const net = Number(host.address.split('.')[2])
    const made = Array.from({ length: count }, (_, n) => addressOf(this.slot, net, 3 + n))
    await host.ip(...made.map((address) => `addr add ${address}/24 dev eth0`))
    return made
  }

  /** Packets between the hosts take `delayMs` each way; rules lose or forge some (lab/programs/relay.py). */
  async relay(delayMs: number, rules: Record<string, unknown> = {}): Promise<Relay> {
    const { router } = this
    const others = [...this.hosts.values()].filter((host) => host !== router)
    const relay = await router.spawn(
      ['python3', '-u', programPath('relay.py'), String(delayMs), JSON.stringify(rules)],
      { log: 'relay.log', stdio: ['pipe', 'ignore', 'inherit'] },
    )
    await until('the relay', async () => {
      if (relay.exitCode() !== null) return true
      return (await router.run(['ip', '-o', 'link'])).includes('relay')
    })
    await router.sysctl({ 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.relay.rp_filter': 0 })
    await router.ip(
      'link set relay up txqueuelen 5000',
      'route add default dev relay table 100',
      ...others.map((host) => `rule add iif to-${host.name} lookup 100 pref 10`),
      ...others.map(
        (host) => `rule add pref 5 to ${host.address.replace(/\d+$/, '1')} lookup local`,
      ),
    )
    return { outage: (seconds) => void relay.child.stdin?.write(`outage ${seconds}\n`) }
  }

  // --- for the person watching -------------------------------------------------------------------

  private get atMs(): number {
    return performance.now() - this.beginMs
  }

  step(text: string): void {
    this.options.emit({ kind: 'step', text, atMs: this.atMs })
  }

  mark(text: string): void {
    this.options.emit({ kind: 'mark', text, atMs: this.atMs })
  }

  /** Marks the first sample for which it holds. */
  markWhen(text: string, when: (sample: Sample) => boolean): void {
    this.marks.push({ text, when })
  }

  gauge(name: string, read: () => number | null): void {
    this.sampler?.gauge(name, read)
  }

  watch(name: string, pid: number): void {
    this.sampler?.watch(name, pid)
    this.oldTools.watch(pid)
  }

  sampleNow(): Sample {
    return this.sampler?.sample() ?? {}
  }

  /** Each second, and where a story has a moment that a second would miss. */
  takeSample(): void {
    const values = this.sampleNow()
    const atMs = this.atMs
    this.samples.push({ atMs, values })
    this.options.emit({ kind: 'sample', atMs, values })
    for (const mark of this.marks.filter(({ when }) => when(values))) {
      this.marks.splice(this.marks.indexOf(mark), 1)
      this.mark(mark.text)
    }
  }

  /**
   * The symptom begins: whoever diagnoses live watches now, while the story goes on. The first call counts.
   * @param forMs  where the symptom passes before the story ends: what is there at the last look counts most
   */
  look(name: HostName = 'server', { forMs = null }: { forMs?: number | null } = {}): void {
    this.looking ??= this.lookAround(this.host(name), forMs)
    // `finish` tells, if it comes to that.
    this.looking.catch(() => {})
  }

  private async lookAround(host: Host, forMs: number | null): Promise<void> {
    const watched = this.options.look?.(host, { ended: this.ended.signal, forMs })
    // A moment later, so that there is something to be seen.
    await sleep(1500)
    this.showing ??= this.oldTools.whileItHappens(host)
    await this.showing
    await watched
  }

  /** The old tools look now, where the symptom is over sooner than they would come. The first call counts. */
  showNow(name: HostName = 'server'): Promise<void> {
    this.showing ??= this.oldTools.whileItHappens(this.host(name))
    return this.showing
  }

  /** A user's own look at an address of the story, while it happens: what curl says of the failure. */
  curl(name: HostName, url: string): void {
    const words = [
      'curl',
      '-sS',
      '-m',
      '3',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} after %{time_total} s',
      url,
    ]
    this.oldTools.type(this.host(name), words)
  }

  /** After `finish`: one connection as the captures have it. */
  showConnection(clientPort: number | null): Promise<void> {
    return this.oldTools.connection(this.taps, clientPort)
  }

  // --- what scenarios do ---------------------------------------------------------------------------

  /** A file in the stage's folder. @returns its path */
  write(name: string, text: string): string {
    const path = join(this.slot.folder, name)
    writeFileSync(path, text)
    return path
  }

  path(name: string): string {
    return join(this.slot.folder, name)
  }

  /** Settings of the whole machine, until the stage is taken down. @throws TcpwhyError LAB_CANNOT_RUN */
  touchHost(values: Partial<Record<Touchable, number>>): void {
    const { pid } = process
    if (!this.options.touchHost)
      throw cannot('This changes settings of the machine', 'Add --touch-host.')
    touchHost(values, { pid, startTime: startTimeOf(pid) }, this.undo)
  }

  puppet(name: HostName): Promise<Puppet> {
    return this.host(name).puppet()
  }

  load(name: HostName, plan: LoadPlan): Load {
    const log = this.path(`${name}-load-${++this.loads}.jsonl`)
    return startLoad(this.host(name), plan, { log, undo: this.undo })
  }

  sleep(ms: number): Promise<void> {
    return sleep(ms, this.signal)
  }

  until(
    what: string,
    isTrue: () => boolean | Promise<boolean>,
    deadlineMs = 15_000,
  ): Promise<void> {
    return until(what, isTrue, { deadlineMs, signal: this.signal })
  }

  async tap(name: HostName, options: TapOptions = {}): Promise<void> {
    const host = this.host(name)
    this.taps.push(await startTap(host, this.path(`${name}.pcap`), this.undo, options))
  }

  /** Captures at both ends. */
  async tapEnds(options: TapOptions = {}): Promise<void> {
    await this.tap('client', options)
    await this.tap('server', options)
  }

  /** Captures at both ends, and at the router between them, towards the client. */
  async tapWay(options: TapOptions = {}): Promise<void> {
    await this.tapEnds(options)
    await this.tap('router', { ...options, on: 'to-client' })
  }

  // --- the end ------------------------------------------------------------------------------------------

  /** Ends the captures. What was recorded stays in the slot's folder until `close`. */
  async finish(): Promise<Recording> {
    this.ended.abort()
    await this.looking
    // What is on its way into the captures gets there.
    await sleep(300)
    const captures: Recording['captures'] = []
    for (const tap of this.taps) {
      captures.push({ at: tap.host.name, path: tap.path, lost: await endTap(tap) })
    }
    this.takeSample()
    await this.oldTools.afterwards([...this.hosts.values()])
    const events = this.ownEvents()
    const resets = await resetsOnWire(this.taps)
    const lines = this.samples.map((sample) => `${JSON.stringify(sample)}\n`)
    appendFileSync(this.path('samples.jsonl'), lines.join(''))
    const counters = Object.fromEntries(
      [...this.hosts.values()].map((host) => [host.name, this.sampler?.rose(host) ?? []]),
    )
    return { captures, events, resets, samples: this.samples, counters }
  }

  private ownEvents(): EventsFacts | null {
    const events = this.events?.stop() ?? null
    if (events === null) return null
    const netOf = (pid: number) => readOrNull(this.options.files.link(`/proc/${pid}/ns/net`))
    const own = new Set([...this.hosts.values()].map(({ holder }) => netOf(holder)))
    return withoutForeignListeners(events, (pid) => {
      const net = netOf(pid)
      return net !== null && !own.has(net)
    })
  }

  /** Undoes everything, last first, also what is still being made. @returns what could not be undone */
  async close(): Promise<string[]> {
    this.ended.abort()
    const failed = await this.undo.all()
    await this.looking?.catch(() => {})
    return [...failed, ...(await this.undo.all())]
  }
}
