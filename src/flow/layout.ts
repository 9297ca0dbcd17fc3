// Where each fact of a connection lies in its row. A row is one stretch of int32 words (float64 fields at even words):
// a packet touches about ten cache lines of one row, where separate columns would cost one line a field.

// Common part: what every packet touches first, in one cache line.
export const R_LAST_T = 0
export const R_PENDING_T = 2
/** Its own number. */
export const R_ROW = 4
export const R_CLIENT = 6
export const R_SERVER = 7
/** client port << 16 | server port */
export const R_PORTS = 8
export const R_BITS = 9
export const R_HASH = 10
export const R_LAST_FRAME = 11
/** Segments ever put in head and tail. */
export const R_SEGMENTS = 12
/** 0 none, 1 client, 2 server: who sent payload last. */
export const R_LAST_DATA_BY = 13
// What is touched now and then.
export const R_START_T = 14
export const R_SILENCE_T = 16
export const R_SURVIVED_T = 18
export const R_SYNACK_T = 20
export const R_ACK_T = 22
export const R_CLOSED_T = 24
export const R_END_T = 26
export const R_ID = 28
export const R_FIRST_FRAME = 29
export const R_SILENCE_BEFORE = 30
export const R_SILENCE_AFTER = 31
export const R_SYNS = 32
export const R_SYN_FRAME = 33
export const R_SYNACKS = 34
export const R_SYNACK_FRAME = 35
export const R_ACK_FRAME = 36
export const R_SYNACK_AFTER_ACK = 37
export const R_BARE_ACK_FRAME = 38
export const R_EXCHANGES = 39
export const R_DUPLICATES = 40
/** Segments of the reset's sender and of the other side after an accepted RST: many = it did not end anything. */
export const R_AFTER_RST_SAME = 41
export const R_AFTER_RST_OTHER = 42
export const R_CLOSED_SERIAL = 43
export const R_SILENCE_BY = 44

export const R_PENDING_BY = 45
/** Times of the first 8 SYNs. */
export const R_SYN_TIMES = 46
/** When the first segment was sent again, and the longest time in which something sent went unanswered. */
export const R_FIRST_LOSS_T = 62
export const R_STALL_FROM_T = 64
export const R_STALL_T = 66
/** Where in the ring of last segments the next one goes. */
export const R_TAIL_SLOT = 68
export const COMMON_WORDS = 70

// One side; offsets relative to the side's start. Again what every packet touches comes first.
export const S_LAST_T = 0
export const S_DATA_LAST_T = 2
export const S_OCTETS = 4
export const S_PACKETS = 6
export const S_BITS = 7
export const S_NXT = 8
export const S_ACKED = 9
export const S_WND = 10
export const S_MAX_WND = 11
export const S_SCALE = 12
export const S_EDGE = 13
export const S_EDGE_ACK = 14
export const S_LAST_FRAME = 15
export const S_LAST_SEQ = 16
export const S_LAST_LEN = 17
export const S_LAST_FLAGS = 18
export const S_LAST_KIND = 19
export const S_DATA_LAST_FRAME = 20
export const S_BIG_SENT = 21
export const S_BIG_ACKED = 22
export const S_IPID = 23
export const S_IPID_NEAR = 24
export const S_IPID_ZERO = 25
export const S_IPID_FAR = 26
/** Up to four TTLs, one a byte, first seen lowest; and how many packets had each. */
export const S_TTLS = 27
export const S_TTL_COUNTS = 28
export const S_TSVAL = 32
export const S_DUPRUN = 33
/** Keepalive probes since the other side was last heard. */
export const S_KA_RUN = 34
/** Transmissions of the oldest unacknowledged octets, 0 = none was repeated. */
export const S_UNA_TIMES = 35
// What is touched now and then.
export const S_DATA_FIRST_T = 36
export const S_ZERO_SINCE = 38
export const S_ZERO_TOTAL = 40
export const S_FIN_T = 42
export const S_FIN_ACK_T = 44
export const S_UNA_FIRST_T = 46
export const S_UNA_LAST_T = 48
export const S_KA_LAST_T = 50
export const S_MSG_T = 52
export const S_MISSING = 54
export const S_KA_INTERVAL = 56
export const S_BASE = 58
export const S_MSS = 59
export const S_RTO = 60
export const S_FAST = 61
export const S_SPURIOUS = 62
export const S_RE_SYN = 63
export const S_RE_SYNACK = 64
export const S_RE_FIN = 65
export const S_DUPACKS = 66
export const S_OOO = 67
export const S_KEEPALIVES = 68
export const S_ZW_PROBES = 69
export const S_ZW_TIMES = 70
export const S_ZW_FRAME = 71
export const S_RSTS = 72
export const S_FINS = 73
export const S_FIN_SEQ = 74
export const S_FIN_FRAME = 75
export const S_FIN_ACK_FRAME = 76
export const S_LINK = 77
export const S_CHANGED = 78
export const S_UNA_SEQ = 79
export const S_UNA_LEN = 80
export const S_UNA_FRAME = 81
export const S_UNA_LAST_FRAME = 82
export const S_UNA_FLAGS = 83
export const S_MSG_SEQ = 84
export const S_MSG_FRAME = 85
export const S_HOLES = 86
/** Four stretches of sequence space not seen: start, end. */
export const S_HOLE = 87
/** Timestamp of the first repetition of the oldest unacknowledged octets; in S_UNA_FLAGS from bit 8: its note, 16: it has one. */
export const S_UNA_TSVAL = 95
/** Of S_OOO those of which nothing tells whether they were overtaken or sent again, after this side's peer reported a hole. */
export const S_UNDECIDED = 96
/** Even: the floats of the next side are aligned. */
export const SIDE_WORDS = 98

export const CLIENT_SIDE = COMMON_WORDS
export const SERVER_SIDE = COMMON_WORDS + SIDE_WORDS

// Kept segments: the first ones, then a ring of the last ones.
export const HEAD_SEGMENTS = 5
export const TAIL_SEGMENTS = 14
export const G_T = 0
export const G_FRAME = 2
export const G_SEQ = 3
export const G_ACK = 4
export const G_LEN = 5
/** flags | side << 8 | note << 12 | options << 17 | timestamps << 18 | ack valid << 19 */
export const G_BITS = 6
export const G_WND = 7
/** ttl << 17 | ip id + 1 */
export const G_TTL_ID = 8
export const G_TSVAL = 9
export const G_TSECR = 10
export const SEGMENT_WORDS = 12
export const SEGMENTS_AT = COMMON_WORDS + 2 * SIDE_WORDS
export const FIXED_WORDS = SEGMENTS_AT
export const ROW_WORDS = SEGMENTS_AT + (HEAD_SEGMENTS + TAIL_SEGMENTS) * SEGMENT_WORDS

// R_BITS
export const B_FAMILY6 = 1
export const B_SAW_SYN = 2
export const B_SAW_SYNACK = 4
export const B_GUESSED = 8
export const B_ESTABLISHED = 16
export const B_RESET = 32
export const B_RESET_BY_SERVER = 64
export const B_CLOSED = 128
export const B_REFUSED = 256
export const B_ICMP = 512
export const B_FAST_OPEN = 1024
export const B_NO_HEADERS = 2048
export const B_RST_NO_FIN = 4096
export const B_RST_BOTH_FINS = 8192
export const B_RST_IN_HANDSHAKE = 16384
export const B_WATCHED = 32768
/** The clock ran back and packets come again that were seen: the same capture twice in one file. */
export const B_REPEATED = 65536
/** The row is in the hash table: segments may still come to it. */
export const B_LIVE = 1 << 17
/** The tracker remembers an earlier connection on the same addresses and ports. */
export const B_PREVIOUS = 1 << 18

/** Nothing is unusual about the connection: the straight path may be tried. Set again after every unusual segment. */
export const B_STRAIGHT = 1 << 20

// S_BITS
export const SB_BASE = 1
export const SB_ISN = 2
export const SB_SCALE = 4
export const SB_TIMESTAMPS = 8
export const SB_SACK = 16
export const SB_FIN = 32
export const SB_FIN_ACKED = 64
export const SB_ACK = 128
export const SB_DATA = 512
export const SB_ZERO = 1024
/** The other side's segment was the last word on this side's unanswered data. */
export const SB_EDGE = 2048

// Notes, in the order of segmentNotes in facts.ts.
export const NOTE_NONE = 0
export const NOTE_RTO = 1
export const NOTE_FAST = 2
export const NOTE_SPURIOUS = 3
export const NOTE_RE_SYN = 4
export const NOTE_RE_SYNACK = 5
export const NOTE_RE_FIN = 6
export const NOTE_KEEPALIVE = 7
export const NOTE_KEEPALIVE_ACK = 8
export const NOTE_ZW_PROBE = 9
export const NOTE_ZW_PROBE_ACK = 10
export const NOTE_DUPACK = 11
export const NOTE_OOO = 12
export const NOTE_WINDOW_UPDATE = 13
export const NOTE_ZERO_WINDOW = 14
export const NOTE_GAP = 15
export const NOTE_CHALLENGE = 16
