/**
 * What a capture reader yields: hundreds of records at a time over one buffer, never one record per async tick
 * (measured 7 times slower). A batch belongs to exactly one source file. All arrays are valid up to `count` and only
 * until the next batch is asked for: the reader may use the buffers again.
 */
export interface RecordBatch {
  /** Index of the source (file, pipe) this batch came from. */
  source: number
  count: number
  /** The file's octets. Record i is `bytes[starts[i] .. starts[i] + capLens[i])`. */
  bytes: Uint8Array
  /** DataView over exactly the same octets as `bytes` (same offset and length). */
  view: DataView
  /** Where each record's packet octets begin in `bytes`. */
  starts: Int32Array
  /** Octets present in the file (already bounded by what the file really holds). */
  capLens: Int32Array
  /** Octets on the wire, as the file says; >= capLens[i] (a wrong smaller value is raised to capLens, and faulted). */
  wireLens: Int32Array
  /** Nanoseconds since `CaptureClock.originNs`; a float64 holds 104 days exactly. May go backwards. */
  times: Float64Array
  /** LINKTYPE_ number (https://www.tcpdump.org/linktypes.html) of each record. */
  links: Int32Array
  /** 1-based number of record 0 in its own file, counted as Wireshark does. Record i is frame `firstFrame + i`. */
  firstFrame: number
  /** File offset of `bytes[0]` for a plain seekable file; -1 when the file cannot be read again at an offset. */
  fileOffset: number
}

/** Time zero of the whole analysis: the first record of the first source. */
export interface CaptureClock {
  /** Nanoseconds since 1970-01-01 UTC of time zero. */
  originNs: bigint
}

/** A named fault in the input. Readers and decoders never throw on octets: what is wrong becomes one of these. */
export interface CaptureFault {
  /** Stable id in kebab case, e.g. 'cut-record', 'clock-backwards', 'bad-block-length'. */
  name: string
  /** 1-based frame after which it was seen; 0 = before the first. */
  frame: number
  /** Offset in the (decompressed) file, -1 when not known. */
  offset: number
  /** How often. Repeated faults of one name are folded into one entry (first frame kept). */
  count: number
  /** One sentence for people, without the frame number. */
  text: string
}

/** What is known of one source when it has been read to its end. */
export interface CaptureSourceInfo {
  name: string
  /** 'pcap', 'pcapng', 'tcpdump-text', ... */
  format: string
  /** 'gzip', 'zstd', 'lz4' or null. */
  compression: string | null
  records: number
  /** Sum of the lengths on the wire. */
  octets: number
  /** Nanoseconds since CaptureClock.originNs of the first and last record. */
  firstNs: number
  lastNs: number
  snapLen: number
  interfaces: {
    name: string | null
    link: number
    dropped: number | null
    received: number | null
  }[]
  /** pcapng comments and process-information options, bounded in number; frame 0 = of the section. */
  comments: { frame: number; text: string }[]
  /** Text captures carry no TTL, IP-ID or link addresses: the flow layer must not learn habits from them. */
  headerFieldsMissing: boolean
  /** Text captures with host names: the stand-in address used for each name. Absent when there are none. */
  names?: { address: string; name: string }[]
  faults: CaptureFault[]
}

/**
 * One or more captures opened together and read once, in time order (pieces of a ring buffer, parallel interfaces).
 * `next()` gives the next batch or null at the end. Throws TcpwhyError CAPTURE_* only for the world
 * (not found, unreadable, not a capture); faults in the octets are data in `sources[i].faults`.
 */
export interface CaptureReader {
  readonly clock: CaptureClock
  readonly sources: readonly CaptureSourceInfo[]
  next(): Promise<RecordBatch | null>
  /** Octets of the (compressed) inputs consumed so far and in all (null when not known), for a progress bar. */
  progress(): { done: number; total: number | null }
  close(): Promise<void>
}
