import type { ConnectionSummary, Sides } from '../../diagnose/report.ts'

export type Cell = string | number | boolean | null

/** One column of `--export`. Names are public, like the fields of the report: added, never renamed. */
export interface Column {
  name: string
  /** 'time' is ISO 8601 UTC with 9 decimals; in Parquet a timestamp in nanoseconds. */
  type: 'string' | 'integer' | 'number' | 'boolean' | 'time'
  value: (c: ConnectionSummary) => Cell
}

/** Two columns a pair: what the client sent and what the server sent. */
function sides(name: string, pick: (c: ConnectionSummary) => Sides | null): Column[] {
  return [
    { name: `client_${name}`, type: 'integer', value: (c) => pick(c)?.client ?? null },
    { name: `server_${name}`, type: 'integer', value: (c) => pick(c)?.server ?? null },
  ]
}

/** "[2001:db8::1]:443" -> "2001:db8::1". */
function addressOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}

function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1))
}

/** In the order they are written. Each is described in docs/export.md (a test compares both ways). */
export const columns: readonly Column[] = [
  // Ids are strings in the report; here a number, so that tables sort and join well.
  { name: 'id', type: 'integer', value: (c) => Number(c.id) },
  { name: 'client_address', type: 'string', value: (c) => addressOf(c.client) },
  { name: 'client_port', type: 'integer', value: (c) => portOf(c.client) },
  { name: 'server_address', type: 'string', value: (c) => addressOf(c.server) },
  { name: 'server_port', type: 'integer', value: (c) => portOf(c.server) },
  { name: 'client_guessed', type: 'boolean', value: (c) => c.clientGuessed },
  { name: 'saw_start', type: 'boolean', value: (c) => c.sawStart },
  { name: 'seen', type: 'string', value: (c) => c.seen },
  { name: 'start_time', type: 'time', value: (c) => c.startTime },
  { name: 'duration_ms', type: 'number', value: (c) => c.durationMs },
  { name: 'ending', type: 'string', value: (c) => c.ending },
  { name: 'ended_by', type: 'string', value: (c) => c.endedBy },
  { name: 'cause', type: 'string', value: (c) => c.cause ?? null },
  { name: 'source', type: 'string', value: (c) => c.frames.source },
  { name: 'first_frame', type: 'integer', value: (c) => c.frames.first },
  { name: 'last_frame', type: 'integer', value: (c) => c.frames.last },
  { name: 'reset_frame', type: 'integer', value: (c) => c.frames.reset ?? null },
  { name: 'first_source', type: 'string', value: (c) => c.frames.firstSource ?? c.frames.source },
  { name: 'handshake_rtt_ms', type: 'number', value: (c) => c.handshakeRttMs },
  ...sides('mss', (c) => c.options.mss),
  ...sides('window_scale', (c) => c.options.windowScale),
  { name: 'sack', type: 'boolean', value: (c) => c.options.sack },
  { name: 'timestamps', type: 'boolean', value: (c) => c.options.timestamps },
  ...sides('packets', (c) => c.packets),
  ...sides('payload_octets', (c) => c.payloadOctets),
  ...sides('missing_octets', (c) => c.missingOctets),
  ...sides('retransmissions_rto', (c) => c.retransmissions.rto),
  ...sides('retransmissions_fast', (c) => c.retransmissions.fast),
  ...sides('retransmissions_spurious', (c) => c.retransmissions.spurious),
  ...sides('retransmissions_syn', (c) => c.retransmissions.syn),
  ...sides('retransmissions_syn_ack', (c) => c.retransmissions.synAck),
  ...sides('retransmissions_fin', (c) => c.retransmissions.fin),
  ...sides('duplicate_acks', (c) => c.duplicateAcks),
  ...sides('out_of_order', (c) => c.outOfOrder),
  ...sides('keepalive_probes', (c) => c.keepaliveProbes),
  { name: 'client_zero_windows', type: 'integer', value: (c) => c.zeroWindow.client.times },
  { name: 'client_zero_window_ms', type: 'number', value: (c) => c.zeroWindow.client.ms },
  { name: 'server_zero_windows', type: 'integer', value: (c) => c.zeroWindow.server.times },
  { name: 'server_zero_window_ms', type: 'number', value: (c) => c.zeroWindow.server.ms },
  ...sides('resets', (c) => c.resets),
  ...sides('fins', (c) => c.fins),
  { name: 'longest_silence_ms', type: 'number', value: (c) => c.longestSilenceMs },
  { name: 'silence_before_end_ms', type: 'number', value: (c) => c.silenceBeforeEndMs },
  { name: 'client_unread_octets', type: 'integer', value: (c) => c.unreadOctets.client },
  { name: 'server_unread_octets', type: 'integer', value: (c) => c.unreadOctets.server },
  { name: 'client_ttl', type: 'string', value: (c) => c.ttl.client.join(' ') },
  { name: 'server_ttl', type: 'string', value: (c) => c.ttl.server.join(' ') },
]
