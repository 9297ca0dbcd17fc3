import { describe, expect, test } from 'vitest'
import { faultNames, readCapture } from '../../../test/helpers/read-capture.ts'

// As tcpdump 4.99.3 prints them.
const PLAIN = `
11:38:15.679863 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [S], seq 4065722321, win 29200, options [mss 1460,sackOK,TS val 2997352 ecr 0,nop,wscale 7], length 0
11:38:15.679923 IP 10.0.0.3.3306 > 10.0.0.5.38822: Flags [S.], seq 780487619, ack 4065722322, win 28960, options [mss 1460,sackOK,TS val 2997352 ecr 2997352,nop,wscale 7], length 0
11:38:15.679936 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [P.], seq 1:1449, ack 1, win 229, options [nop,nop,TS val 2997352 ecr 2997352], length 1448
11:38:45.693382 IP 10.0.0.3.3306 > 10.0.0.5.38822: Flags [F.], seq 1, ack 1449, win 227, options [nop,nop,TS val 3000355 ecr 2997359], length 0
`
const VERBOSE = `
11:38:15.679863 IP (tos 0x0, ttl 64, id 4321, offset 0, flags [DF], proto TCP (6), length 60)
    10.0.0.5.38822 > 10.0.0.3.3306: Flags [S], cksum 0x1a2b (incorrect -> 0x3c4d), seq 4065722321, win 29200, options [mss 1460,sackOK,TS val 2997352 ecr 0,nop,wscale 7], length 0
11:38:15.679923 IP (tos 0x2,ECT(0), ttl 63, id 0, offset 0, flags [DF], proto TCP (6), length 60)
    10.0.0.3.3306 > 10.0.0.5.38822: Flags [S.], cksum 0x1a2b (correct), seq 780487619, ack 4065722322, win 28960, options [mss 1460,sackOK,TS val 2997352 ecr 2997352,nop,wscale 7], length 0
`
const SIX = `
11:38:15.679863 IP6 (flowlabel 0x49b58, hlim 61, next-header TCP (6) payload length: 40) 2001:db8::2.443 > 2001:db8::1.40000: Flags [S], cksum 0x0fbe (correct), seq 77, win 29200, options [mss 1440,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0
11:38:15.679923 IP6 (flowlabel 0x49b58, hlim 64, next-header TCP (6) payload length: 20) 2001:db8::1.40000 > 2001:db8::2.443: Flags [R.], cksum 0x0fbe (correct), seq 0, ack 78, win 0, length 0
`
const OLD = `
11:38:15.679863 IP 10.0.0.1.40000 > 10.0.0.2.80: S 4065722321:4065722321(0) win 29200 <mss 1460,sackOK,timestamp 2997352 0,nop,wscale 7>
11:38:15.679923 IP 10.0.0.2.80 > 10.0.0.1.40000: S 780487619:780487619(0) ack 4065722322 win 28960 <mss 1460,sackOK,timestamp 2997352 2997352,nop,wscale 7>
`

async function packetsOf(text: string) {
  const read = await readCapture([new TextEncoder().encode(text)], { chunkOctets: 4096 })
  const packets = read.records.map(({ timeNs, data, wireLen }) => [
    timeNs,
    wireLen,
    Buffer.from(data).toString('hex'),
  ])
  return { packets, faults: faultNames(read) }
}

function eachLine(text: string, change: (line: string, i: number) => string): string {
  const lines = text.trim().split('\n')
  return `${lines.map(change).join('\n')}\n`
}

/** Broken at a column as a terminal does, or at spaces as an editor does. */
function hard(columns: number) {
  return (line: string) => line.match(new RegExp(`.{1,${columns}}`, 'g'))!.join('\n')
}

function soft(columns: number, indent: string) {
  return (line: string) => {
    const [margin] = /^\s*/.exec(line)!
    const lines = [margin]
    for (const word of line.trim().split(' ')) {
      const last = lines.at(-1)!
      if (last.trim() === '') lines.push(`${lines.pop()}${word}`)
      else if (last.length + word.length < columns) lines.push(`${lines.pop()} ${word}`)
      else lines.push(indent + word)
    }
    return lines.join('\n')
  }
}

const prefixes: Record<string, (line: string, i: number) => string> = {
  'the journal': (line) => `Nov 20 09:14:03 host1 tcpdump[123]: ${line}`,
  'the journal, precise': (line, i) => `Nov 20 09:14:0${i}.123456 host1 tcpdump[123]: ${line}`,
  'syslog, RFC 5424': (line, i) =>
    `<30>1 2026-11-20T09:14:0${i}.123456Z h1 tcpdump 123 - - ${line}`,
  'docker logs -t': (line, i) => `2026-11-20T09:14:0${i}.123456789Z ${line}`,
  'docker compose': (line) => `sidecar-1  | ${line}`,
  'docker compose with times': (line) => `sidecar_1  | 2026-11-20T09:14:03.123456789Z ${line}`,
  'kubectl logs --prefix': (line) => `[pod/web-7d/tcpdump] ${line}`,
  'CRI files': (line) => `2026-11-20T09:14:03.123456789Z stdout F ${line}`,
  'JSON files of Docker': (line) =>
    JSON.stringify({ log: `${line}\n`, time: '2026-11-20T09:14:03.123456789Z' }).replaceAll(
      '>',
      '\\u003e',
    ),
  'grep -n': (line, i) => `file.txt:${i + 9}:${line}`,
  'a quoted mail': (line) => `> ${line}`,
  'a list of strings': (line) => `    "${line}",`,
  'a web page': (line) => line.replaceAll('>', '&gt;').replaceAll('<', '&lt;'),
  'no-break spaces': (line) => line.replaceAll(' ', '\u00a0'),
}

describe('tcpdump text that was pasted', () => {
  for (const [where, change] of Object.entries(prefixes)) {
    test(`is read through what ${where} made of it`, async () => {
      for (const text of [PLAIN, VERBOSE, SIX]) {
        const { packets } = await packetsOf(text)
        expect((await packetsOf(eachLine(text, change))).packets).toEqual(packets)
      }
    })
  }

  for (const columns of [60, 72, 80, 100, 132]) {
    test(`has its lines put together again that were broken at ${columns} columns`, async () => {
      for (const text of [PLAIN, VERBOSE, SIX, OLD]) {
        const { packets } = await packetsOf(text)
        for (const change of [hard(columns), soft(columns, ''), soft(columns, '      ')]) {
          expect((await packetsOf(eachLine(text, change))).packets).toEqual(packets)
        }
      }
    })
  }

  test('a length broken at the end of a line is read whole', async () => {
    const whole = PLAIN.trim().split('\n')[2]!
    const { packets } = await packetsOf(PLAIN)
    const broken = await packetsOf(eachLine(PLAIN, hard(whole.length - 2)))
    expect(broken.packets).toEqual(packets)
  })

  test('a line that was cut is no zero window', async () => {
    const cut = PLAIN.slice(0, PLAIN.indexOf(', win 227'))
    const { packets, faults } = await packetsOf(`${cut}\n`)
    const whole = (await packetsOf(PLAIN)).packets
    expect(packets.slice(0, 3)).toEqual(whole.slice(0, 3))
    // The window that this side told last.
    expect(Buffer.from(packets[3]![2] as string, 'hex').readUInt16BE(34)).toBe(28960)
    expect(faults).toContain('cut-lines')
  })

  test('a line cut before its sequence number is left out, and it is said', async () => {
    const cut = `${PLAIN.trimEnd()}\n11:38:45.693390 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [.], ack 2, wi\n`
    const { packets, faults } = await packetsOf(cut)
    expect(packets).toEqual((await packetsOf(PLAIN)).packets)
    expect(faults).toContain('cut-lines')
  })

  test('prose behind a cut line is not taken for its rest', async () => {
    const { packets } = await packetsOf(`${PLAIN.slice(0, -12)}\nThanks,\n\nBob\n${PLAIN}`)
    expect(packets.length).toBeGreaterThanOrEqual(7)
  })
})

describe('what tcpdump does not print', () => {
  test('keepalive probes are known by saying nothing new after a silence', async () => {
    const { packets } = await packetsOf(`${PLAIN}
11:38:45.700000 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [.], ack 2, win 229, length 0
11:38:55.700000 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [.], ack 2, win 229, length 0
11:38:55.700100 IP 10.0.0.3.3306 > 10.0.0.5.38822: Flags [.], ack 1449, win 227, length 0
11:39:05.700000 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [.], ack 2, win 229, length 0
`)
    const numbers = packets
      .slice(4)
      .map(([, , hex]) => (Buffer.from(hex as string, 'hex').readUInt32BE(24) - 4065722322) | 0)
    expect(numbers).toEqual([1448, 1447, (780487621 - 4065722322) | 0, 1447])
  })

  test('numbers of -S are absolute however small the initial ones are', async () => {
    const { packets } = await packetsOf(`
11:38:15.1 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [S], seq 83683, win 29200, length 0
11:38:15.2 IP 10.0.0.3.3306 > 10.0.0.5.38822: Flags [S.], seq 59716691, ack 83684, win 28960, length 0
11:38:15.3 IP 10.0.0.5.38822 > 10.0.0.3.3306: Flags [.], ack 59716692, win 229, length 0
11:38:15.4 IP 10.0.0.3.3306 > 10.0.0.5.38822: Flags [P.], seq 59716692:59716700, ack 83684, win 227, length 8
`)
    const numbers = packets.map(([, , hex]) => {
      const octets = Buffer.from(hex as string, 'hex')
      return [octets.readUInt32BE(24), octets.readUInt32BE(28)]
    })
    expect(numbers.slice(2)).toEqual([
      [83684, 59716692],
      [59716692, 83684],
    ])
  })

  test('a host that cannot be reached is told of once for each SYN', async () => {
    const syn = (port: number) =>
      `IP 10.0.0.1.${port} > 10.0.0.2.80: Flags [S], seq 99, win 29200, length 0`
    const icmp = 'IP 10.0.0.9 > 10.0.0.1: ICMP host 10.0.0.2 unreachable, length 68'
    const { packets } = await packetsOf(
      [syn(4001), syn(4002), icmp, icmp].map((line, i) => `11:38:1${i}.000000 ${line}\n`).join(''),
    )
    const ports = packets
      .slice(2)
      .map(([, , hex]) => Buffer.from(hex as string, 'hex').readUInt16BE(48))
    expect(ports).toEqual([4001, 4002])
  })
})
