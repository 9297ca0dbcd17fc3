// What lies where in the core's memory, in octets. Rows, columns and octets are put behind it as they are asked for.

/** The one packet: a word a field, in this order; the time is a float64 of its own. */
export const PACKET_FIELDS = [
  'kind',
  'frame',
  'family',
  'src',
  'dst',
  'srcPort',
  'dstPort',
  'seq',
  'ack',
  'flags',
  'wnd',
  'dataLen',
  'dataStart',
  'dataCap',
  'ttl',
  'ipId',
  'df',
  'optionsLen',
  'hasTimestamps',
  'tsVal',
  'tsEcr',
  'linkSource',
  'direction',
  'rare',
  'mss',
  'windowScale',
  'sackPermitted',
  'sackBlocks',
  'sackLeft',
  'sackRight',
  'sackHighest',
  'fastOpenCookie',
  'mptcp',
  'fault',
  'icmpFrom',
  'icmpFromFamily',
  'icmpType',
  'icmpCode',
  'icmpMtu',
  'quotedFull',
] as const

/** 0 is never an address of anything. */
export const PACKET_TIME_AT = 64
export const PACKET_AT = 72
/** Fields of SegmentProcessor, a word each. They begin as 0. */
export const PROCESSOR_FIELDS = ['advanced', 'ipIdBefore'] as const
export const PROCESSOR_AT = 236

// Words and float64 of run.ts, as indexes.
export const K_WHY = 66
/** Segments that were dealt with, and how many of them carry more payload than a header-only capture keeps. */
export const K_SEGMENTS = 67
export const K_PAYLOAD_FRAMES = 68
export const K_DUPLICATES = 69
/** Row (word index) that the segment before belonged to; 0 = none. */
export const K_LAST_ROW = 70
export const K_DIR = 71
/** The last server that the caller saw answer: address, port, and whom. */
export const K_SERVER = 72
export const K_SERVER_PORT = 73
export const K_SERVER_TO = 74
/** float64: the latest time of a segment. */
export const K_LATEST_T = 40
/** float64: the time of the last segment. */
export const K_LAST_T = 41
export const FREE_AT = 1024

/** Pages of 64 KiB: all that 32 bits can address. */
export const MAX_PAGES = 65_536

// Why the core hands a record back.
/** It is not plain TCP over IPv4. */
export const WHY_DECODE = 1
/** The packet is decoded, nothing else is done. */
export const WHY_SEGMENT = 2
/** The segment is taken in; the end of its connection is left. */
export const WHY_ENDS = 3
