import { describe, expect, test } from 'vitest'
import { faultNames, readCapture } from '../../../test/helpers/read-capture.ts'

interface Seen {
  frame: number
  src: string
  dst: string
  flags: number
  seq: number
  ack: number
  wnd: number
  dataLen: number
  ttl: number
  /** Seconds since 1970. */
  at: number
}

async function readText(text: string, chunkOctets = 4096) {
  const read = await readCapture([new TextEncoder().encode(text)], { chunkOctets })
  const seen = read.records.map(({ frame, timeNs, data, wireLen }): Seen => {
    const view = new DataView(data.buffer, data.byteOffset, data.length)
    const six = data[0]! >> 4 === 6
    const tcp = six ? 40 : 20
    const at = (from: number, to: number) =>
      six ? hex(data, from, to) : data.slice(from, to).join('.')
    return {
      frame,
      src: `${six ? at(8, 24) : at(12, 16)}:${view.getUint16(tcp)}`,
      dst: `${six ? at(24, 40) : at(16, 20)}:${view.getUint16(tcp + 2)}`,
      flags: data[tcp + 13]!,
      seq: view.getUint32(tcp + 4),
      ack: view.getUint32(tcp + 8),
      wnd: view.getUint16(tcp + 14),
      dataLen: wireLen - data.length,
      ttl: six ? data[7]! : data[8]!,
      at: Number(timeNs) / 1e9,
    }
  })
  return { read, seen, info: read.sources[0]!, faults: faultNames(read) }
}

function hex(data: Uint8Array, from: number, to: number): string {
  return Buffer.from(data.subarray(from, to)).toString('hex')
}

// As quoted in public reports of one incident: tcpdump without options, middle lines left out.
const OPEN_TRANSACTION = `
11:38:15.679863 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [S], seq 4065722321, win 29200, options [mss 1460,sackOK,TS val 2997352 ecr 0,nop,wscale 7], length 0
11:38:15.679923 IP 172.18.0.3.3306 > 172.18.0.5.38822: Flags [S.], seq 780487619, ack 4065722322, win 28960, options [mss 1460,sackOK,TS val 2997352 ecr 2997352,nop,wscale 7], length 0
11:38:15.679936 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [.], ack 1, win 229, options [nop,nop,TS val 2997352 ecr 2997352], length 0
11:38:45.693382 IP 172.18.0.3.3306 > 172.18.0.5.38822: Flags [F.], seq 123, ack 144, win 227, options [nop,nop,TS val 3000355 ecr 2997359], length 0
11:38:45.740958 IP 172.18.0.5.38822 > 172.18.0.3.3306: Flags [.], ack 124, win 229, options [nop,nop,TS val 3000360 ecr 3000355], length 0
`

describe('tcpdump text', () => {
  test('relative numbers become absolute, and times become durations', async () => {
    const { seen, info, faults } = await readText(OPEN_TRANSACTION)
    expect(seen.map(({ flags, seq, ack, dataLen }) => [flags, seq, ack, dataLen])).toEqual([
      [0x02, 4065722321, 0, 0],
      [0x12, 780487619, 4065722322, 0],
      [0x10, 4065722322, 780487620, 0],
      [0x11, 780487619 + 123, 4065722321 + 144, 0],
      [0x10, 4065722321 + 144, 780487619 + 124, 0],
    ])
    expect(seen[3]!.at - seen[2]!.at).toBeCloseTo(30.013446, 6)
    expect(seen[0]).toMatchObject({ src: '172.18.0.5:38822', dst: '172.18.0.3:3306', wnd: 29200 })
    expect(faults).toEqual([])
    expect(info).toMatchObject({ format: 'tcpdump-text', headerFieldsMissing: true, records: 5 })
  })

  test('options are made into octets again', async () => {
    const { read } = await readText(OPEN_TRANSACTION)
    expect(hex(read.records[0]!.data, 40, 60)).toBe('020405b40402080a002dbc680000000001030307')
    expect(hex(read.records[2]!.data, 40, 52)).toBe('0101080a002dbc68002dbc68')
  })

  test('every way of printing the time gives the same distances', async () => {
    const line = (time: string) =>
      `${time} IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 7, win 1, length 0\n`
    const forms = [
      ['09:21:03.720289', '09:21:05.220289'],
      ['1591780863.720289', '1591780865.220289'],
      ['2020-06-10 09:21:03.720289', '2020-06-10 09:21:05.220289'],
      [' 00:00:00.000000', ' 00:00:01.500000'],
    ] as const
    for (const [first, second] of forms) {
      const { seen, faults } = await readText(line(first) + line(second))
      expect(seen[1]!.at - seen[0]!.at).toBeCloseTo(1.5, 6)
      expect(faults).toEqual([])
    }
    const { seen } = await readText(line('2020-06-10 09:21:03.720289'))
    expect(seen[0]!.at).toBeCloseTo(1591780863.720289, 6)
  })

  test('times of -ttt are differences to the line before', async () => {
    const line = (time: string) =>
      ` ${time} IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 7, win 1, length 0\n`
    const times = ['00:00:00.000000', '00:00:01.000000', '00:00:00.250000', '00:00:02.000000']
    const { seen } = await readText(times.map(line).join(''))
    expect(seen.map(({ at }) => at)).toEqual([0, 1, 1.25, 3.25])
  })

  test('midnight does not take a day back', async () => {
    const line = (time: string) =>
      `${time} IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 7, win 1, length 0\n`
    const { seen, faults } = await readText(line('23:59:59.500000') + line('00:00:00.250000'))
    expect(seen[1]!.at - seen[0]!.at).toBeCloseTo(0.75, 6)
    expect(faults).toEqual([])
  })

  test('without times the order is kept and the lack is named', async () => {
    const { seen, faults } = await readText(OPEN_TRANSACTION.replaceAll(/^[\d:.]+ /gm, ''))
    expect(seen.length).toBe(5)
    expect(seen.every(({ at }, i) => i === 0 || at > seen[i - 1]!.at)).toBe(true)
    expect(faults).toEqual(['no-times'])
  })

  test('the two-line form of -v gives TTL and identification', async () => {
    const { seen, info, read } = await readText(`
09:21:03.720289 IP (tos 0x0, ttl 63, id 39720, offset 0, flags [DF], proto TCP (6), length 60)
    192.168.1.11.33779 > 209.87.249.18.53: Flags [S], cksum 0x0c41 (correct), seq 603899916, win 64240, options [mss 1460,sackOK,TS val 2044906138 ecr 0,nop,wscale 7], length 0
09:21:03.846908 IP (tos 0x0, ttl 128, id 46, offset 0, flags [none], proto TCP (6), length 44)
    209.87.249.18.53 > 192.168.1.11.33779: Flags [S.], cksum 0x4208 (correct), seq 2043824403, ack 603899917, win 64240, options [mss 1460], length 0
\tHTTP/1.1 200 OK
\tDate: 2020-06-10 09:21:03.846908
`)
    expect(seen.map(({ ttl, src }) => [ttl, src])).toEqual([
      [63, '192.168.1.11:33779'],
      [128, '209.87.249.18:53'],
    ])
    expect(hex(read.records[0]!.data, 4, 8)).toBe('9b284000')
    expect(info.headerFieldsMissing).toBe(false)
    expect(info.faults).toEqual([])
  })

  test('-e, -#, -i any, an old kernel and a log prefix do not hide the packet', async () => {
    const rest = '10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 7, win 1, length 0'
    const lines = [
      `09:21:03.720289 84:b5:9c:be:30:48 > 0c:c4:7a:08:e9:12, ethertype IPv4 (0x0800), length 66: ${rest}`,
      `   12  09:21:03.720289 IP ${rest}`,
      `09:21:03.720289 eth0  In  IP ${rest}`,
      `09:21:03.720289   In aa:bb:cc:dd:ee:ff ethertype IPv4 (0x0800), length 76: ${rest}`,
      `Nov 21 09:21:03 host tcpdump[77]: 09:21:03.720289 IP ${rest}`,
      `> 09:21:03.720289 IP ${rest}`,
      `\u001b[01;31m09:21:03.720289\u001b[m IP ${rest}\r`,
    ]
    for (const line of lines) {
      const { seen } = await readText(`${line}\n`)
      expect(seen).toMatchObject([{ src: '10.0.0.1:40000', dst: '10.0.0.2:80', flags: 2, seq: 7 }])
      expect(seen[0]!.at).toBeCloseTo(33663.720289, 6)
    }
    const { seen } = await readText(lines[1]!)
    expect(seen[0]!.frame).toBe(12)
  })

  test('IPv6, with and without -v', async () => {
    const { seen } = await readText(`
09:21:03.720289 IP6 2001:db8::1.40000 > ::2.443: Flags [P.], seq 4000000000:4000000010, ack 3000000001, win 9, length 10
09:21:03.720290 IP6 (flowlabel 0x49b58, hlim 61, next-header TCP (6) payload length: 40) ::2.443 > 2001:db8::1.40000: Flags [.], cksum 0x0fbe (correct), ack 10, win 9, length 0
`)
    expect(seen).toMatchObject([
      {
        src: '20010db8000000000000000000000001:40000',
        seq: 4000000000,
        ack: 3000000001,
        dataLen: 10,
      },
      { src: '00000000000000000000000000000002:443', seq: 3000000001, ack: 4000000010, ttl: 61 },
    ])
  })

  test('the old spelling of flags and options', async () => {
    const { seen, read } = await readText(`
11:38:15.679863 IP 10.0.0.1.40000 > 10.0.0.2.80: S 4065722321:4065722321(0) win 29200 <mss 1460,sackOK,timestamp 2997352 0,nop,wscale 7>
11:38:15.679923 IP 10.0.0.2.80 > 10.0.0.1.40000: S 780487619:780487619(0) ack 4065722322 win 28960 <mss 1460>
11:38:15.679936 10.0.0.1.40000 > 10.0.0.2.80: . ack 1 win 229
11:38:15.680000 10.0.0.1.40000 > 10.0.0.2.80: P, cksum 0x1a2b (correct), 1:43(42) ack 1 win 229 <nop,nop,timestamp 1 2>
11:38:15.690000 10.0.0.2.80 > 10.0.0.1.40000: R 780487620:780487620(0) win 0
`)
    expect(seen.map(({ flags, seq, ack, dataLen }) => [flags, seq, ack, dataLen])).toEqual([
      [0x02, 4065722321, 0, 0],
      [0x12, 780487619, 4065722322, 0],
      [0x10, 4065722322, 780487620, 0],
      [0x18, 4065722322, 780487620, 42],
      [0x04, 780487620, 0, 0],
    ])
    expect(hex(read.records[0]!.data, 40, 60)).toBe('020405b40402080a002dbc680000000001030307')
  })

  test('absolute numbers of -S stay as they are', async () => {
    const { seen } = await readText(`
11:38:15.679923 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 780487619, ack 4065722322, win 28960, length 0
11:38:15.680000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 4065722322:4065722364, ack 780487620, win 229, length 42
11:38:15.680000 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [R.], seq 780487620, ack 4065722364, win 229, length 0
`)
    expect(seen.map(({ seq, ack }) => [seq, ack])).toEqual([
      [780487619, 4065722322],
      [4065722322, 780487620],
      [780487620, 4065722364],
    ])
  })

  test('an excerpt without its beginning keeps its distances', async () => {
    const { seen } = await readText(`
11:38:15.680000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 501:543, ack 2001, win 229, length 42
11:38:15.690000 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [P.], seq 2001:3001, ack 543, win 229, length 1000
11:38:15.700000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 3001, win 229, options [nop,nop,sack 1 {4001:5001}], length 0
`)
    expect(seen[1]!.seq).toBe(seen[0]!.ack)
    expect(seen[1]!.ack).toBe(seen[0]!.seq + 42)
    expect(seen[2]).toMatchObject({ seq: seen[0]!.seq + 42, ack: seen[1]!.seq + 1000 })
  })

  test('numbers wrap at 2^32', async () => {
    const { seen } = await readText(`
11:38:15.679923 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [S.], seq 4294967290, ack 1000000001, win 28960, length 0
11:38:15.680000 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [P.], seq 1:101, ack 1, win 229, length 100
11:38:15.680001 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [.], ack 101, win 229, options [nop,nop,sack 1 {201:301}], length 0
`)
    expect(seen[1]!.seq).toBe(4294967291)
    expect(seen[2]!.ack).toBe(95)
  })

  test('names become stand-in addresses and known ports, and are told', async () => {
    const { seen, info, faults } = await readText(`
11:38:15.679863 IP web-1.example.com.40000 > db.example.com.mysql: Flags [S], seq 1, win 29200, length 0
11:38:15.679870 IP localhost.webmin > localhost.http: Flags [S], seq 1, win 29200, length 0
`)
    expect(seen[0]!.dst.endsWith(':3306')).toBe(true)
    expect(Number(seen[0]!.src.split('.')[0])).toBeGreaterThanOrEqual(240)
    expect(seen[1]!.dst).toBe('127.0.0.1:80')
    expect(info.names?.map(({ name }) => name)).toEqual([
      'web-1.example.com',
      'db.example.com',
      'localhost',
    ])
    expect(seen[0]!.src.startsWith(info.names![0]!.address)).toBe(true)
    expect(faults).toEqual(['names-not-numbers', 'unknown-service-name'])
  })

  test('an ICMP error quotes the segment that it is about', async () => {
    const { read } = await readText(`
11:38:15.679863 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 99, win 29200, length 0
11:38:15.689863 IP 10.0.0.9 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 68
11:38:15.699863 IP 10.0.0.9 > 10.0.0.1: ICMP host 10.0.0.2 unreachable - admin prohibited, length 68
11:38:15.709863 IP 10.0.0.9 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 556
`)
    const icmp = read.records.slice(1).map(({ data }) => [hex(data, 20, 22), hex(data, 26, 28)])
    expect(icmp).toEqual([
      ['0303', '0000'],
      ['030a', '0000'],
      ['0304', '0578'],
    ])
    for (const { data } of read.records.slice(1)) {
      expect(hex(data, 28, data.length)).toBe(hex(read.records[0]!.data, 0, 40))
    }
  })

  test('the segment that -v prints inside an ICMP error is no packet of its own', async () => {
    const { read } = await readText(`
11:38:15.689863 IP (tos 0xc0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 88)
    10.0.0.9 > 10.0.0.1: ICMP 10.0.0.2 tcp port 80 unreachable, length 68
\tIP (tos 0x0, ttl 63, id 7, offset 0, flags [DF], proto TCP (6), length 60)
    10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum 0x1 (correct), seq 77, win 1, length 0
11:38:15.699863 IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto TCP (6), length 40)
    10.0.0.1.40000 > 10.0.0.2.80: Flags [S], cksum 0x1 (correct), seq 77, win 1, length 0
`)
    expect(read.records.map(({ frame, data }) => [frame, data[9]])).toEqual([
      [1, 1],
      [2, 6],
    ])
    expect(hex(read.records[0]!.data, 48, 56)).toBe('9c4000500000004d')
  })

  test('hex dumps, prompts and prose are passed over; packets of other protocols count as frames', async () => {
    const { seen, info } = await readText(`
The customer sent this:
$ tcpdump -nn -i eth0 port 80
listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes
11:38:15.679863 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win 29200, length 0
\t0x0000:  4510 0034 fd26 4000 3e06 3da6 cc09 3384  E..4.&@.>.=...3.
11:38:15.679870 IP 10.0.0.1.5353 > 10.0.0.2.53: 1+ A? example.com. (29)
11:38:15.679880 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28
11:38:15.679890 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [R.], seq 0, ack 2, win 0, length 0
4 packets captured
`)
    expect(seen.map(({ frame }) => frame)).toEqual([1, 4])
    expect(info.faults).toMatchObject([{ name: 'lines-not-read', count: 1 }])
  })

  test('a text cut at any octet gives the lines before the cut', async () => {
    const whole = (await readText(OPEN_TRANSACTION)).seen
    for (let cut = 120; cut < OPEN_TRANSACTION.length; cut += 3) {
      const { seen } = await readText(OPEN_TRANSACTION.slice(0, cut), 100)
      const lines = OPEN_TRANSACTION.slice(0, cut).split('\n').length - 2
      expect(seen.slice(0, lines)).toEqual(whole.slice(0, lines))
      expect(seen.length).toBeLessThanOrEqual(lines + 1)
    }
  })

  test('text of another kind is refused with a sentence', async () => {
    await expect(readText('Dear all,\nthe site is down.\n')).rejects.toMatchObject({
      code: 'CAPTURE_UNKNOWN_FORMAT',
      message: expect.stringContaining('no line of it is a packet'),
    })
  })

  test('a mangled line that claims four thousand million octets is no shorter than its header', async () => {
    const lines = `09:21:03.1 IP 10.0.0.1.3 > 10.0.0.2.80: Flags [P.], seq 9:2, ack 1, win 5, length 4294967289
09:21:03.2 IP 10.0.0.1.3 > 10.0.0.2.80: Flags [.], ack 1, win 5, length 0
`
    const { seen } = await readText(lines)
    expect(seen).toHaveLength(2)
    for (const record of seen) expect(record.dataLen).toBeGreaterThanOrEqual(0)
  })
})
