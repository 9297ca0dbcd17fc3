import { run } from './process.ts'

/** A TCP segment that a capture of the stage holds. Ends as "10.64.1.2:40000", as they were at that place. */
export interface WireFrame {
  /** Epoch milliseconds. */
  atMs: number
  from: string
  to: string
}

// "1733000000.123456 IP 10.64.2.2.80 > 10.64.1.2.40000: Flags [S], seq 1, win 0, length 0"
const LINE = /^(\d+\.\d+) IP (\d+\.\d+\.\d+\.\d+)\.(\d+) > (\d+\.\d+\.\d+\.\d+)\.(\d+): Flags \[/

/** Read by tcpdump, not by tcpwhy: what judges must not rest on what is judged. */
export async function framesOnWire(paths: readonly string[]): Promise<WireFrame[]> {
  const all: WireFrame[] = []
  for (const path of paths) {
    const lines = (await run(['tcpdump', '-nn', '-tt', '-r', path, 'tcp'])).split('\n')
    for (const line of lines) {
      const frame = parseFrame(line)
      if (frame !== null) all.push(frame)
    }
  }
  return all
}

export function parseFrame(line: string): WireFrame | null {
  const found = LINE.exec(line)
  if (found === null) return null
  const [, seconds, from, fromPort, to, toPort] = found
  return { atMs: Number(seconds) * 1000, from: `${from}:${fromPort}`, to: `${to}:${toPort}` }
}
