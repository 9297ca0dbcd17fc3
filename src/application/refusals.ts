import type { RefusalFacts } from '../evidence/application.ts'
import { type Chunk, latin1 } from './stream.ts'

/**
 * Words with which servers whose protocol is not read turn a new client away because a limit is reached, and the setting that it
 * is: Redis networking.c, memcached.c (maxconns_fast), OpenSSH sshd.c, NATS server, Postfix smtpd, vsftpd.
 */
const WORDS: readonly { words: RegExp; setting: string }[] = [
  {
    words: /^-ERR max number of clients(?: \+ cluster connections)? reached/,
    setting: 'maxclients',
  },
  { words: /^ERROR Too many open connections/, setting: 'maxconns (-c)' },
  { words: /^Exceeded MaxStartups/, setting: 'MaxStartups' },
  { words: /^Not allowed at this time/, setting: 'PerSourcePenalties' },
  { words: /^-ERR 'maximum connections exceeded'/i, setting: 'max_connections' },
  {
    words: /^421 (?:4\.7\.0 )?\S{1,80} Error: too many connections/,
    setting: 'smtpd_client_connection_count_limit',
  },
  { words: /^421 There are too many connected users/, setting: 'max_clients' },
  {
    words: /^421 There are too many connections from your internet address/,
    setting: 'max_per_ip',
  },
]

const LINE = 200

/** What the server said first, when that is a refusal for a limit. Nothing but the words of the list is repeated. */
export function readRefusal(chunks: readonly Chunk[]): RefusalFacts | null {
  const first = chunks.find((c) => c.from === 'server' && c.bytes.length > 0)
  if (first === undefined || first.lost > 0) return null
  const line = latin1(first.bytes, 0, LINE)
  for (const { words, setting } of WORDS) {
    const found = words.exec(line)
    if (found !== null) return { text: found[0], setting, frame: first.frame }
  }
  return null
}
