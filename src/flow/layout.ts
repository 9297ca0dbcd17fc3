// Where each fact of a connection lies in its row. A row is one stretch of int32 words (float64 fields at even words):
// a packet touches about ten cache lines of one row, where separate columns would cost one line a field.

// Common part.
export const R_CLIENT = 0
export const R_SERVER = 1
/** client port << 16 | server port */
export const R_PORTS = 2
export const R_BITS = 3
export const R_ID = 4
export const R_FIRST_FRAME = 5
export const R_LAST_FRAME = 6
export const R_HASH = 7
export const R_START_T = 8
export const R_LAST_T = 10
export const R_SILENCE_T = 12
export const R_SILENCE_BEFORE = 14
export const R_SILENCE_AFTER = 15
export const R_SURVIVED_T = 16
export const R_PENDING_T = 18
export const R_SYNACK_T = 20
export const R_ACK_T = 22
export const R_CLOSED_T = 24
export const R_LAST_DATA_T = 26
export const R_END_T = 28
export const R_SYNS = 30
export const R_SYN_FRAME = 31
export const R_SYNACKS = 32
export const R_SYNACK_FRAME = 33
export const R_ACK_FRAME = 34
export const R_SYNACK_AFTER_ACK = 35
export const R_BARE_ACK_FRAME = 36
export const R_EXCHANGES = 37
/** 0 none, 1 client, 2 server: who sent payload last. */
export const R_LAST_DATA_BY = 38
export const R_DUPLICATES = 39
/** Segments ever put in head and tail. */
export const R_SEGMENTS = 40
/** Non-RST segments of the reset's sender and of the other side after an accepted RST: many = it did not end anything. */
export const R_AFTER_RST_SAME = 41
export const R_AFTER_RST_OTHER = 42
export const R_CLOSED_SERIAL = 43
export const R_SILENCE_BY = 44
export const R_PENDING_BY = 45
/** Times of the first 8 SYNs. */
export const R_SYN_TIMES = 46
export const COMMON_WORDS = 62

// One side; offsets relative to the side's start.
export const S_LAST_T = 0
export const S_DATA_FIRST_T = 2
export const S_DATA_LAST_T = 4
export const S_ZERO_SINCE = 6
export const S_ZERO_TOTAL = 8
export const S_FIN_T = 10
export const S_FIN_ACK_T = 12
export const S_OCTETS = 14
export const S_UNA_FIRST_T = 16
export const S_UNA_LAST_T = 18
export const S_KA_LAST_T = 20
export const S_MSG_T = 22
export const S_NXT_T = 24
export const S_ACK_T = 26
export const S_MISSING = 28
export const S_KA_INTERVAL = 30
export const S_TS_T = 32
export const S_PACKETS = 34
export const S_BASE = 35
export const S_NXT = 36
export const S_ACKED = 37
export const S_WND = 38
export const S_MAX_WND = 39
export const S_BITS = 40
export const S_SCALE = 41
export const S_MSS = 42
export const S_LAST_FRAME = 43
export const S_DATA_LAST_FRAME = 44
export const S_LAST_SEQ = 45
export const S_LAST_LEN = 46
export const S_LAST_FLAGS = 47
export const S_LAST_ACK = 48
export const S_RTO = 49
export const S_FAST = 50
export const S_SPURIOUS = 51
export const S_RE_SYN = 52
export const S_RE_SYNACK = 53
export const S_RE_FIN = 54
export const S_DUPACKS = 55
export const S_DUPRUN = 56
export const S_OOO = 57
export const S_KEEPALIVES = 58
export const S_KA_RUN = 59
export const S_ZW_PROBES = 60
export const S_ZW_TIMES = 61
export const S_ZW_FRAME = 62
export const S_RSTS = 63
export const S_FINS = 64
export const S_FIN_SEQ = 65
export const S_FIN_FRAME = 66
export const S_FIN_ACK_FRAME = 67
/** Up to four TTLs, one a byte, first seen lowest; and how many packets had each. */
export const S_TTLS = 68
export const S_TTL_COUNTS = 69
export const S_IPID = 73
export const S_IPID_ZERO = 74
export const S_IPID_NEAR = 75
export const S_IPID_FAR = 76
export const S_TSVAL = 77
export const S_LINK = 78
export const S_CHANGED = 79
export const S_UNA_SEQ = 80
export const S_UNA_LEN = 81
export const S_UNA_FRAME = 82
export const S_UNA_LAST_FRAME = 83
export const S_UNA_TIMES = 84
export const S_UNA_FLAGS = 85
export const S_BIG_SENT = 86
export const S_BIG_ACKED = 87
export const S_EDGE = 88
export const S_EDGE_ACK = 89
export const S_MSG_SEQ = 90
export const S_MSG_FRAME = 91
export const S_HOLES = 92
/** Four stretches of sequence space not seen: start, end. */
export const S_HOLE = 93
export const S_LAST_WND = 101
export const S_LAST_KIND = 102
export const SIDE_WORDS = 104

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

// S_BITS
export const SB_BASE = 1
export const SB_ISN = 2
export const SB_SCALE = 4
export const SB_TIMESTAMPS = 8
export const SB_SACK = 16
export const SB_FIN = 32
export const SB_FIN_ACKED = 64
export const SB_ACK = 128
export const SB_WND = 256
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
export const NOTE_RST_IGNORED = 17
export const NOTE_PORT_REUSED = 18
