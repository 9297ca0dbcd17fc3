import type { Tap } from './tap.ts'

/** A RST that a capture of the stage holds. Ends as "10.64.1.2:40000", as they were at that place. */
export interface WireReset {
  at: string
  /** Whose address it came from, where that host has a capture too: if it does not hold the frame, another sent it. */
  sender?: string
  /** Epoch milliseconds. */
  atMs: number
  from: string
  to: string
  /** Kept by a NAT: the same frame at two places has the same. */
  seq: number
}

/** Read by tcpdump, not by tcpwhy: what judges must not rest on what is judged. */
export async function resetsOnWire(taps: readonly Tap[]): Promise<WireReset[]> {
  const all: WireReset[] = []
  // The router has other addresses besides, and sends in the name of others.
  const ends = taps.filter(({ host }) => host.name !== 'router')
  const owners = new Map(ends.map(({ host }) => [host.address, host.name]))
  for (const { host, path } of taps) {
    const argv = ['tcpdump', '-nn', '-tt', '-S', '-r', path, 'tcp[tcpflags] & tcp-rst != 0']
    const lines = (await host.run(argv)).split('\n')
    for (const line of lines) {
      const found = parseReset(line)
      if (found === null) continue
      const sender = owners.get(found.from.slice(0, found.from.lastIndexOf(':')))
      all.push({ at: host.name, ...(sender === undefined ? {} : { sender }), ...found })
    }
  }
  return all
}

// "1733000000.123456 IP 10.64.2.2.80 > 10.64.1.2.40000: Flags [R.], seq 1, ack 2, win 0, length 0"
const LINE =
  /^(\d+\.\d+) IP (\d+\.\d+\.\d+\.\d+)\.(\d+) > (\d+\.\d+\.\d+\.\d+)\.(\d+): Flags \[[^\]]*\], seq (\d+)/

export function parseReset(line: string): Omit<WireReset, 'at' | 'sender'> | null {
  const found = LINE.exec(line)
  if (found === null) return null
  const [, seconds, from, fromPort, to, toPort, seq] = found
  return {
    atMs: Number(seconds) * 1000,
    from: `${from}:${fromPort}`,
    to: `${to}:${toPort}`,
    seq: Number(seq),
  }
}
