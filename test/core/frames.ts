import { pcapFile } from '../helpers/pcap-writer.ts'

export interface Told {
  /** Last octets of the addresses. */
  client: number
  server: number
  fromServer: boolean
  port: number
  flags: number
  /** In octets from where a side began. */
  seq: number
  ack: number
  length: number
  wnd: number
  ttl: number
  ipId: number
  options: 'none' | 'timestamps' | 'odd timestamps' | 'syn' | 'sack' | 'broken'
  tsVal: number
  waitUs: number
  vlan: boolean
}

export const usual: Told = {
  client: 1,
  server: 2,
  fromServer: false,
  port: 40_000,
  flags: 0x10,
  seq: 0,
  ack: 0,
  length: 0,
  wnd: 500,
  ttl: 64,
  ipId: 0,
  options: 'none',
  tsVal: 1,
  waitUs: 40,
  vlan: false,
}

/** A pcap file of these segments. */
export function file(segments: readonly Told[]): Uint8Array {
  let timeNs = 1_700_000_000_000_000_000n
  const records = segments.map((told) => {
    timeNs += BigInt(told.waitUs) * 1000n
    return { timeNs, data: frame(told) }
  })
  return pcapFile({ records })
}

function frame(told: Told): Uint8Array {
  const options = optionsOf(told)
  const link = told.vlan ? [0x81, 0, 0, 5, 8, 0] : [8, 0]
  const data = new Uint8Array(12 + link.length + 40 + options.length + told.length)
  data.set([2, 0, 0, 0, 0, told.fromServer ? 1 : 2, 2, 0, 0, 0, 0, told.fromServer ? 2 : 1])
  data.set(link, 12)
  const view = new DataView(data.buffer)
  const ip = 12 + link.length
  const tcp = ip + 20
  const [client, server] = [0x0a000000 + told.client, 0x0a000000 + told.server]
  data.set([0x45], ip)
  view.setUint16(ip + 2, data.length - ip)
  view.setUint16(ip + 4, told.ipId)
  data.set([told.ttl, 6], ip + 8)
  view.setUint32(ip + 12, told.fromServer ? server : client)
  view.setUint32(ip + 16, told.fromServer ? client : server)
  view.setUint16(tcp, told.fromServer ? 80 : told.port)
  view.setUint16(tcp + 2, told.fromServer ? told.port : 80)
  // The client's numbers wrap soon.
  const [own, peer] = told.fromServer ? [5000, 0xffff_fffe] : [0xffff_fffe, 5000]
  view.setInt32(tcp + 4, own + told.seq)
  view.setInt32(tcp + 8, peer + told.ack)
  data.set([((20 + options.length) / 4) << 4, told.flags], tcp + 12)
  view.setUint16(tcp + 14, told.wnd)
  data.set(options, tcp + 20)
  return data
}

function optionsOf({ options, tsVal, seq }: Told): number[] {
  const word = (value: number) => [
    value >>> 24,
    (value >>> 16) & 255,
    (value >>> 8) & 255,
    value & 255,
  ]
  switch (options) {
    case 'none':
      return []
    case 'timestamps':
      return [1, 1, 8, 10, ...word(tsVal), ...word(tsVal - 1)]
    case 'odd timestamps':
      return [8, 10, ...word(tsVal), ...word(tsVal), 1, 1]
    case 'syn':
      return [2, 4, 5, 180, 4, 2, 8, 10, ...word(tsVal), ...word(0), 1, 3, 3, 7]
    case 'sack':
      return [1, 1, 5, 10, ...word(seq), ...word(seq + 1460)]
    case 'broken':
      return [1, 2, 9, 9]
  }
}
