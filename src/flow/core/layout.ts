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
/** The server whose closing is its habit, and how often it closed so since the caller looked. */
export const K_HABIT_READY = 75
export const K_HABIT_KEY = 76
export const K_HABIT_COUNT = 77
/** float64: the latest time of a segment. */
export const K_LATEST_T = 40
/** float64: the time of the last segment. */
export const K_LAST_T = 41

// What the tracker and the core both keep.
/** Open connections that have a row. */
export const K_OPEN_ROWS = 84
/** Running number of the next connection. */
export const K_NEXT_ID = 85
export const K_CLOSED_SERIAL = 86
/** The closed rows that linger: where the ring begins, its first entry, how many there are. */
export const K_QUEUE = 87
export const K_QUEUE_HEAD = 88
export const K_QUEUE_COUNT = 89
/** Of the expired rows that a closing may see to, how many are left for the caller. */
export const K_BUDGET = 90
export const K_TOMBS = 91
export const K_TOMB_NEXT = 92
/** The hash table: where its cells begin (0 = elsewhere), its mask, how many are used. */
export const K_TABLE = 93
export const K_TABLE_MASK = 94
export const K_TABLE_COUNT = 95
/** Rows that were given back (their first words), as a stack. */
export const K_FREE = 96
export const K_FREE_COUNT = 97

// The path on which connections end that are counted here, and what was counted since the caller looked.
export const K_PATH_READY = 100
export const K_PATH_CLIENT = 101
export const K_PATH_SERVER = 102
export const K_PATH_PORT = 103
/** 1 = enough witnesses of this server are kept. */
export const K_SHORT_FULL = 104
export const K_ANSWERS_FULL = 105
export const K_CLIENT_TTL = 106
export const K_SERVER_TTL = 107
export const K_RTT_COUNT = 108
export const K_RTT_STRIDE = 109
export const K_CONNECTIONS = 110
export const K_ESTABLISHED = 111
export const K_SERVED = 112
export const K_SERVER_FIRST = 113
export const K_CLIENT_PACKETS = 114
export const K_SERVER_PACKETS = 115
export const K_CLIENT_TTLS = 116
export const K_SERVER_TTLS = 117
export const K_LARGEST_CLIENT = 118
export const K_LARGEST_SERVER = 119
/** float64. */
export const K_FIRST_ANSWER_T = 64
export const K_LAST_ANSWER_T = 65
export const K_LAST_ENDED_T = 66
export const K_DATA_PACKETS = 67
export const K_LAST_ACCEPT_T = 68
/** Who waited longer for the server is the caller's: EndpointTotals.waitMinNs. */
export const K_WAIT_MIN = 69

export const FREE_AT = 1024
/** Rows that fit on the stack of free ones. */
export const FREE_MAX = 65_536

/** Pages of 64 KiB: all that 32 bits can address. */
export const MAX_PAGES = 65_536

// Why the core hands a record back.
/** It is not plain TCP over IPv4. */
export const WHY_DECODE = 1
/** The packet is decoded, nothing else is done. */
export const WHY_SEGMENT = 2
/** The segment is taken in; the end of its connection is left. */
export const WHY_ENDS = 3
/** The segment is taken in and its connection closed; K_BUDGET expired rows are left. */
export const WHY_EXPIRES = 4
