// Makes the captures that bench/run.ts measures on, once; a second run uses them again. Alone: npx tsx bench/make-capture.ts
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const folder = process.env['TCPWHY_BENCH_DIR'] ?? join(tmpdir(), 'tcpwhy-bench')

export interface Captures {
  /** Whole packets, and the same packets cut at 96 octets. */
  full: string
  headers: string
  /** `headers` three times over: later, and from other clients. */
  tripled: string
  /** An incident of test/captures many times over, each time later and with other clients: a third of its connections died. */
  incident: string
  /** 5 million SYNs of spoofed sources, every second one answered. */
  flood: string
  /** A small capture of test/captures, 20 packets of it. */
  small: string
}

/** Where wrk is stopped, so that the capture is as long on a slow machine as on a fast one. */
const PACKETS = 5_000_000
const CONNECTIONS = 110_000
const WRK_MAX_S = 300
const PAGE_OCTETS = 5_000
const FLOOD_SYNS = 5_000_000
const INCIDENT = join(import.meta.dirname, '../test/captures/incident/listen-backlog.pcap')
const INCIDENTS = 250
const INCIDENT_CLIENTS = [2, 3, 4, 5, 6, 7].map((host) => [10, 77, 1, host])
const CLIENT = [10, 99, 0, 1]
const SERVER = '10.99.0.2'

const FILE_HEADER = 24
const RECORD_HEADER = 16
const ETHERNET = 14

/** @throws Error in words when the machine cannot (no root, no apt) */
export function makeCaptures(): Captures {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const made: Captures = {
    full: join(folder, 'full.pcap'),
    headers: join(folder, 'headers.pcap'),
    tripled: join(folder, 'tripled.pcap'),
    incident: join(folder, 'incident.pcap'),
    flood: join(folder, 'flood.pcap'),
    small: join(folder, 'small.pcap'),
  }
  once(made.full, captureTraffic)
  once(made.headers, (to) => run('editcap', ['-F', 'pcap', '-s', '96', made.full, to]))
  once(made.tripled, (to) => repeat(made.headers, to, { rounds: 3, clients: [CLIENT] }))
  once(made.incident, (to) =>
    repeat(INCIDENT, to, { rounds: INCIDENTS, clients: INCIDENT_CLIENTS }),
  )
  once(made.flood, (to) => flood(to, FLOOD_SYNS))
  once(made.small, (to) => run('editcap', ['-F', 'pcap', '-r', made.headers, to, '1-20']))
  return made
}

/** A file is there only when it is whole. */
function once(path: string, make: (to: string) => void): void {
  if (existsSync(path)) return
  console.error(`making ${path}`)
  const beside = `${path}.part`
  try {
    make(beside)
    renameSync(beside, path)
  } finally {
    rmSync(beside, { force: true })
  }
}

export function installMissing(packages: Readonly<Record<string, string>>): void {
  const missing = Object.keys(packages).filter((p) => spawnSync('which', [p]).status !== 0)
  if (missing.length === 0) return
  const wanted = missing.map((program) => packages[program]!)
  if (process.getuid?.() !== 0) {
    throw new Error(`Not installed: ${wanted.join(', ')}. Install them, or run this as root.`)
  }
  console.error(`installing ${wanted.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['install', '-y', '-qq', ...wanted], { env })
}

/** nginx in one namespace, wrk (kept-alive connections) and ab (one request a connection) in the other. */
function captureTraffic(to: string): void {
  installMissing({
    ip: 'iproute2',
    nginx: 'nginx-light',
    wrk: 'wrk',
    ab: 'apache2-utils',
    tcpdump: 'tcpdump',
    editcap: 'wireshark-common',
  })
  if (process.getuid?.() !== 0) throw new Error('Making the capture needs root: namespaces.')
  const [c, s] = [`twb-c${process.pid}`, `twb-s${process.pid}`]
  const undo: (() => void)[] = []
  const doing = (does: string[], undoes: () => void) => {
    run(does[0]!, does.slice(1))
    undo.push(undoes)
  }
  try {
    doing(['ip', 'netns', 'add', c], () => spawnSync('ip', ['netns', 'del', c]))
    doing(['ip', 'netns', 'add', s], () => spawnSync('ip', ['netns', 'del', s]))
    const [vc, vs] = [`twbc${process.pid}`, `twbs${process.pid}`]
    doing(
      ['ip', 'link', 'add', vc, 'netns', c, 'type', 'veth', 'peer', 'name', vs, 'netns', s],
      () => spawnSync('ip', ['-n', c, 'link', 'del', vc]),
    )
    for (const [ns, device, address] of [
      [c, vc, CLIENT.join('.')],
      [s, vs, SERVER],
    ] as const) {
      run('ip', ['-n', ns, 'addr', 'add', `${address}/24`, 'dev', device])
      for (const one of [device, 'lo']) run('ip', ['-n', ns, 'link', 'set', one, 'up'])
    }
    const inside = (ns: string, ...command: string[]) => ['netns', 'exec', ns, ...command]
    run('ip', inside(c, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=1024 65000'))
    run('ip', inside(c, 'sysctl', '-qw', 'net.ipv4.tcp_tw_reuse=1'))
    const nginx = spawn('ip', inside(s, 'nginx', '-c', nginxFiles()), { stdio: 'ignore' })
    undo.push(() => stop(nginx))
    const dump = ['-i', vs, '-B', '262144', '-Z', 'root', '-w', to, 'tcp']
    const tcpdump = spawn('ip', inside(s, 'tcpdump', ...dump), { stdio: 'ignore' })
    undo.push(() => stop(tcpdump))
    sleep(1500)
    const url = `http://${SERVER}/a`
    run('ip', inside(c, 'ab', '-q', '-r', '-n', String(CONNECTIONS), '-c', '50', url))
    const packets = () => packetsOf(s, vs)
    const load = inside(c, 'wrk', '-t1', '-c100', `-d${WRK_MAX_S}s`, url)
    const wrk = spawn('ip', load, { stdio: 'ignore' })
    undo.push(() => stop(wrk))
    for (let waited = 0; packets() < PACKETS && waited < WRK_MAX_S * 10; waited++) sleep(100)
    if (packets() < PACKETS) throw new Error(`Only ${packets()} packets: too slow a machine.`)
    stop(wrk)
    sleep(1500)
  } finally {
    for (const step of undo.reverse()) step()
  }
}

function nginxFiles(): string {
  const www = join(folder, 'www')
  mkdirSync(www, { recursive: true, mode: 0o755 })
  writeFileSync(join(www, 'a'), 'x'.repeat(PAGE_OCTETS))
  const conf = join(folder, 'nginx.conf')
  writeFileSync(
    conf,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log /dev/null;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 1000;
  server { listen 80 backlog=4096; location / { root ${www}; } } }
`,
  )
  return conf
}

function packetsOf(ns: string, device: string): number {
  const { stdout } = spawnSync('ip', ['-n', ns, '-s', '-j', 'link', 'show', device])
  const [link] = JSON.parse(String(stdout)) as {
    stats64: { rx: { packets: number }; tx: { packets: number } }
  }[]
  return link!.stats64.rx.packets + link!.stats64.tx.packets
}

/** The child and what `ip netns exec` became: the same process, for it execs. */
function stop(child: ChildProcess): void {
  if (child.pid === undefined) return
  const there = () => existsSync(`/proc/${child.pid}/exe`) && !isZombie(child.pid!)
  try {
    process.kill(child.pid, 'SIGTERM')
    for (let i = 0; i < 50 && there(); i++) sleep(100)
    if (there()) process.kill(child.pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

function isZombie(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)])
  return String(stdout).trim().startsWith('Z')
}

interface Rounds {
  rounds: number
  /** Addresses that are others in each round. */
  clients: readonly (readonly number[])[]
}

/** Copies a pcap several times into one: each round begins after the one before and comes from other client addresses. */
function repeat(from: string, to: string, { rounds, clients }: Rounds): void {
  const out = openSync(to, 'w')
  let shiftS = 0
  for (let round = 0; round < rounds; round++) {
    const lastS = copyRound(from, out, { shiftS, round, clients })
    shiftS = lastS + 2 - firstSecond(from)
  }
  closeSync(out)
}

function firstSecond(path: string): number {
  const fd = openSync(path, 'r')
  const bytes = Buffer.alloc(FILE_HEADER + 4)
  readSync(fd, bytes, 0, bytes.length, 0)
  closeSync(fd)
  return bytes.readUInt32LE(FILE_HEADER)
}

/** @returns second of the last record, shifted */
function copyRound(
  from: string,
  out: number,
  by: { shiftS: number; round: number; clients: readonly (readonly number[])[] },
): number {
  const fd = openSync(from, 'r')
  const clients = new Set(by.clients.map((address) => Buffer.from(address).readUInt32BE(0)))
  const buffer = Buffer.alloc(16 * 1024 * 1024)
  let held = readSync(fd, buffer, 0, FILE_HEADER, null)
  if (by.round === 0) writeSync(out, buffer, 0, FILE_HEADER)
  held = 0
  let lastS = 0
  for (;;) {
    const count = readSync(fd, buffer, held, buffer.length - held, null)
    if (count === 0) break
    held += count
    let at = 0
    while (at + RECORD_HEADER <= held) {
      const end = at + RECORD_HEADER + buffer.readUInt32LE(at + 8)
      if (end > held) break
      lastS = buffer.readUInt32LE(at) + by.shiftS
      buffer.writeUInt32LE(lastS, at)
      for (const address of [26, 30]) {
        const place = at + RECORD_HEADER + address
        const client = buffer.readUInt32BE(place)
        if (clients.has(client)) buffer.writeUInt32BE(client + by.round * 0x400, place)
      }
      at = end
    }
    writeSync(out, buffer, 0, at)
    buffer.copyWithin(0, at, held)
    held -= at
  }
  closeSync(fd)
  return lastS
}

const FLOOD_FRAME = ETHERNET + 20 + 40
/** MSS, SACK permitted, timestamps, window scale: what Linux sends. */
const SYN_OPTIONS = Buffer.from([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7])

/** SYNs of spoofed sources, 4 us apart; every second one gets a SYN-ACK that nobody answers. */
function flood(to: string, syns: number): void {
  const out = openSync(to, 'w')
  const head = Buffer.alloc(FILE_HEADER)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(1, 20)
  writeSync(out, head)
  const size = RECORD_HEADER + FLOOD_FRAME
  const buffer = Buffer.alloc(size * 20_000)
  let at = 0
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0 // Numerical Recipes, ranqd1
    return seed
  }
  const server = Buffer.from([10, 99, 0, 2]).readUInt32BE(0)
  const frame = (us: number, f: FloodSegment) => {
    writeSegment(buffer, at, us, f)
    at += size
    if (at < buffer.length) return
    writeSync(out, buffer)
    at = 0
  }
  for (let i = 0; i < syns; i++) {
    const [src, port, isn] = [random(), 1024 + (random() % 60_000), random()]
    frame(i * 4, { src, dst: server, ports: [port, 80], flags: 0x02, seq: isn, ack: 0 })
    if ((i & 1) === 0) continue
    const answer = { flags: 0x12, seq: random(), ack: (isn + 1) >>> 0 }
    frame(i * 4 + 2, { src: server, dst: src, ports: [80, port], ...answer })
  }
  writeSync(out, buffer, 0, at)
  closeSync(out)
}

interface FloodSegment {
  src: number
  dst: number
  ports: readonly [number, number]
  flags: number
  seq: number
  ack: number
}

function writeSegment(buffer: Buffer, at: number, us: number, f: FloodSegment): void {
  buffer.writeUInt32LE(1_700_000_000 + Math.floor(us / 1e6), at)
  buffer.writeUInt32LE(us % 1e6, at + 4)
  buffer.writeUInt32LE(FLOOD_FRAME, at + 8)
  buffer.writeUInt32LE(FLOOD_FRAME, at + 12)
  const eth = at + RECORD_HEADER
  const ip = eth + ETHERNET
  const tcp = ip + 20
  buffer.fill(2, eth, eth + 12)
  buffer.writeUInt16BE(0x0800, eth + 12)
  buffer[ip] = 0x45
  buffer.writeUInt16BE(60, ip + 2)
  buffer[ip + 8] = 64
  buffer[ip + 9] = 6
  buffer.writeUInt32BE(f.src, ip + 12)
  buffer.writeUInt32BE(f.dst, ip + 16)
  buffer.writeUInt16BE(f.ports[0], tcp)
  buffer.writeUInt16BE(f.ports[1], tcp + 2)
  buffer.writeUInt32BE(f.seq, tcp + 4)
  buffer.writeUInt32BE(f.ack, tcp + 8)
  buffer[tcp + 12] = 0xa0
  buffer[tcp + 13] = f.flags
  buffer.writeUInt16BE(64_240, tcp + 14)
  SYN_OPTIONS.copy(buffer, tcp + 20)
}

function run(program: string, args: readonly string[], more: { env?: NodeJS.ProcessEnv } = {}) {
  const done = spawnSync(program, args, { ...more, encoding: 'utf8', maxBuffer: 1 << 26 })
  if (done.status === 0) return
  throw new Error(`${program} ${args.join(' ')} failed: ${done.stderr || done.error?.message}`)
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

if (import.meta.filename === process.argv[1]) {
  for (const path of Object.values(makeCaptures())) {
    console.log(`${String(statSync(path).size).padStart(12)} ${path}`)
  }
}
