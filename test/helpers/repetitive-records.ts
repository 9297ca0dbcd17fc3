import type { PcapRecord } from './pcap-writer.ts'

/** Records that compress well and fill more than one block of lz4 (64 KiB) and of zstd (128 KiB). */
export function repetitiveRecords(): PcapRecord[] {
  return Array.from({ length: 1500 }, (_, i) => ({
    timeNs: 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n,
    data: new Uint8Array(100).fill(i >> 4),
  }))
}
