/** The sentences of the engine itself: what joins the causes' own words into findings and a headline. */
export const diagnoseWords = {
  emptyFilter: 'The filter leaves none of {tcp:count} TCP segments: nothing was judged',
  filteredOut:
    'TCP segments that the filter (--host, --port, --between, --since, --before) left out',
  nothingPaired: 'no connection of this capture is in the other one: are they of the same traffic?',
  perhapsExchanged:
    'by its TTLs this capture may be from the other end: are the places of --at exchanged?',
  certainty: { confirmed: 'confirmed', likely: 'likely', possible: 'possible' },
  rival: 'explains {connections:count} of these connections as well: {cause}, "{title}"',
  /** Stands for {server} and {client} when a finding is about several. */
  several: '{first} and {others:count} other {what}',
  what: { server: 'endpoints', client: 'clients', host: 'hosts' },
  nothingBroken: 'Nothing is broken: {title}',
  /** Behind the title in brackets, or further in the brackets that end it. */
  headline: {
    problem: '{certainty}; {affected:count} of {total:count} connections{also}',
    possible:
      'Not certain: possibly "{title}" ({affected:count} of {total:count} connections{also}). Missing: {missing}',
    benign: '{certainty}; {affected:count} of {total:count} connections{also}',
    healthy:
      'Healthy: {total:count} connections to {endpoints:count} endpoints, {ends}; no refusal, {reset}, time-out, unanswered SYN or stall among them ({causes:count} causes checked)',
    unexplained:
      'Not explained: {list}, of {total:count} connections; none of {causes:count} causes fits. Missing: {missing}',
    ends: {
      closed: '{n:count} closed in order',
      reset: '{n:count} reset after a FIN',
      open: '{n:count} still open or cut by an end of the capture',
    },
    reset: { none: 'reset', others: 'other reset' },
    empty: 'No TCP connection in {frames:count} frames: nothing to judge',
  },
  oneDirection: {
    headline:
      'Cannot be judged: only packets from {from} to {to} are in the capture, those of the other direction are missing ({connections:count} of {total:count} connections); nothing is wrong in that half',
    headlineSeveral:
      'Cannot be judged: of {connections:count} of {total:count} connections one direction only is in the capture (of {from} only what it sends to {to}, for example); nothing is wrong in that half',
    missing:
      'the packets from {to} to {from}: of {connections:count} connections only the other direction is in the capture (a port mirror or filter of one direction, or the answers take another way)',
    more: '{others:count} more pairs of hosts seen in one direction only',
    ask: "sudo tcpdump -i any -s 96 -w both.pcap 'tcp and host {from} and host {to}'",
    fault: 'connections of which one direction only is in it: from {from} to {to}, none back',
  },
  also: {
    consequence: '; as a consequence: {title}',
    alternative: '; or else {title}',
    findings: '; {count:count} more findings below',
    unexplained: '; not explained: {list}',
  },
  unexplained: {
    missing: '{what} to {servers} ({examples}): no known cause fits what the capture shows',
    examples: 'connections {ids}',
    /** Behind what they are, in the headline and in the entry. */
    flood:
      '(one SYN each of {clients:count} client addresses, never an ACK: a SYN flood or a scan, as far as packets show)',
    floodAsk:
      "ss -tn state syn-recv 'sport = :{port}' | wc -l; nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies TcpExtSyncookiesSent # on the server",
    ask: 'tcpwhy analyze --show {id} {file}',
    what: {
      clean: 'connections closed in order',
      'cut-response': "responses cut short by the server's FIN",
      'half-closed': 'half-closed connections',
      'handshake-incomplete': 'handshakes never completed',
      'handshake-reset': 'resets during the handshake',
      open: 'open connections',
      refused: 'refusals',
      reset: 'resets',
      'reset-after-close': 'resets after the close',
      'reset-after-fin': 'resets after a FIN',
      'timed-out': 'time-outs',
      unanswered: 'unanswered connects',
      unreachable: 'unreachable connects',
    },
  },
  /** What a cause could still use, by its `needs`. */
  needs: {
    packets: 'a capture that holds both directions',
    'both-sides': 'a capture taken at the other end at the same time (--at client=… --at server=…)',
    payload: 'a capture with payload (tcpdump -s 0)',
    kernel: "what the server's kernel counted meanwhile (nstat -az there)",
    application: "the application's logs and pool statistics",
    experiment: 'an experiment',
  },
} as const

const NOUNS =
  'connections|connects|handshakes|responses|endpoints|servers|clients|findings|causes|frames|resets|SYNs|segments|octets|times|refusals|hosts'
const ONE = new RegExp(
  String.raw`(^|[^\d.,])1 ((?:other |more |finished |open |half-closed |unanswered |unreachable )?)(${NOUNS})\b( were| are| have)?`,
  'g',
)
const VERBS: Record<string, string> = { ' were': ' was', ' are': ' is', ' have': ' has' }

/** "1 connections were" -> "1 connection was": templates are written for many. */
export function singular(text: string): string {
  return text.replace(ONE, (_, before: string, adjective: string, noun: string, verb?: string) => {
    return `${before}1 ${adjective}${noun.slice(0, -1)}${verb === undefined ? '' : VERBS[verb]}`
  })
}
