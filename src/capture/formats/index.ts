import type { CaptureFormat } from './format.ts'
import { pcap } from './pcap.ts'
import { pcapng } from './pcapng.ts'
import { tcpdumpText } from './tcpdump-text.ts'

/** Every format that can be read, sorted by id. A new one is one file and one line here. */
export const captureFormats = [
  pcap,
  pcapng,
  tcpdumpText,
] as const satisfies readonly CaptureFormat[]
