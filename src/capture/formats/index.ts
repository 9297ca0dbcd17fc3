import type { CaptureFormat } from './format.ts'
import { pcap } from './pcap.ts'

/** Every format that can be read, sorted by id. A new one is one file and one line here. */
export const captureFormats = [pcap] as const satisfies readonly CaptureFormat[]
