/** The sentences of the engine itself: what joins the causes' own words into findings and a headline. */
export const diagnoseWords = {
  emptyFilter: 'The filter leaves none of {tcp:count} TCP segments: nothing was judged',
  filteredOut:
    'TCP segments that the filter (--host, --port, --between, --since, --before) left out',
  bothSidesUnread:
    'this capture has both sides of a box that translates addresses: such connections are counted twice, because the input is too large, or a pipe that could not be read again (save it to a file, or look at a part: --host, --port, --since)',
  headersOnly:
    'packets are cut behind their headers: refusals in words (HTTP 503, "Too many connections"), TLS alerts and answers that end too early cannot be seen (tcpdump -s 512 shows them)',
  probeElsewhere:
    'no connection of the capture goes to {targets}: what the experiment found there is not weighed',
  nothingPaired: 'no connection of this capture is in the other one: are they of the same traffic?',
  perhapsExchanged:
    'by its TTLs this capture may be from the other end: are the places of --at exchanged?',
  /** What text of tcpdump, or a capture of headers, lacks and many causes would need. */
  doubts: {
    times: {
      missing:
        'when the packets came: the text has no times (tcpdump -t), so silences and what followed on what are not known',
      ask: 'tcpdump -nn -tttt -r FILE # or analyze the capture itself',
    },
    ttl: {
      missing:
        'whether the resets came from that host itself: the text has no TTLs, by which one made on the way would show',
      ask: 'tcpdump -nn -v -r FILE # or analyze the capture itself',
    },
    payload: {
      missing:
        'whether the answers before the resets were whole: what was said is not in the capture',
      ask: 'tcpdump -s 512 -w FILE',
    },
  },
  certainty: { confirmed: 'confirmed', likely: 'likely', possible: 'possible' },
  rival: 'explains {connections:count} of these connections as well: {cause}, "{title}"',
  /** Stands for {server} and {client} when a finding is about several. */
  several: '{first} and {others:count} other {what}',
  what: { server: 'endpoints', client: 'clients', host: 'hosts' },
  /** How an experiment is told among what would confirm a finding. */
  experiment: {
    means: 'For it: {supports}. Against it: {refutes}.',
    remark: {
      loopback: 'To be run on that host.',
      natted:
        '{address} is its address behind a NAT: run it in its own network, or write the address that clients use.',
      nobody: 'HOST:PORT stands for a service of this host, or one that it uses.',
      linkLocal: 'Add %INTERFACE to the address.',
    },
    login: 'It logs in by TCPWHY_MYSQL_USER and TCPWHY_MYSQL_PASSWORD.',
  },
  nothingBroken: 'Nothing is broken: {title}',
  worthALook: 'No harm seen, but worth a look: {title}',
  /** Of a host, what no cause explains. */
  machine: {
    resetByServer:
      '{count:count} connections of {of} were reset by {far}: why, only the kernel there can tell, or packets',
    refused:
      '{count:count} connects of {of} to {far} were refused by RST: nothing listens there, or a filter says so; the kernel there can tell',
    resetByClients:
      '{count:count} connections to port {port} of {of} were reset by {far}: why, only the kernel there can tell, or packets',
    unknownConnection:
      '{of} answered {count:count} segments to {server} by reset ({reason}): it does not know their connections; a restart, an address that moved, or a handshake that it had given up',
    askThere: 'sudo tcpwhy diagnose --port {port} --for 30s # on {host}',
    packetsAdd:
      'the packets themselves: what the kernel says is then confirmed or contradicted by them',
    packetsName: 'packets meanwhile',
    packetsVanished: 'the temporary file with them has been removed by somebody else',
    packetsGone: 'captured to a file that is gone now: -w FILE keeps them',
    askPackets: 'sudo tcpwhy diagnose --port {port} --for 30s',
  },
  /** What a finding counts. */
  affected: {
    connections: 'connections',
    sockets: 'sockets',
    connects: 'connects',
    handshakes: 'handshakes',
    resets: 'resets',
    processes: 'processes',
    listeners: 'listeners',
    packets: 'packets',
  },
  /** Behind the title in brackets, or further in the brackets that end it. */
  headline: {
    problem: '{certainty}; {affected:count} of {total:count} {what}{also}',
    possible:
      'Not certain: possibly "{title}" ({affected:count} of {total:count} {what}{also}). Missing: {missing}',
    benign: '{certainty}; {affected:count} of {total:count} {what}{also}',
    healthy:
      'Healthy: {total:count} connections to {endpoints:count} endpoints, {ends}; none refused, reset, timed out, unanswered or stalled ({causes:count} causes checked)',
    healthyHeaders:
      'Healthy as far as headers tell: {total:count} connections to {endpoints:count} endpoints, {ends}; none refused, reset, timed out, unanswered or stalled; what they said was not captured ({causes:count} causes checked)',
    late: 'Loss cannot be judged: {what}; nothing else is wrong with the {total:count} {total?connection|connections}',
    untimed:
      'Cannot be judged without times (tcpdump -t): silences and stalls cannot be seen; nothing else is wrong with the {total:count} {total?connection|connections}',
    unexplained:
      'Not explained: {list}, of {total:count} connections; none of {causes:count} causes fits. Missing: {missing}',
    /** The first of each: all of several, the only one, some of them. */
    ends: {
      closed: {
        all: 'all closed in order',
        only: 'closed in order',
        some: '{n:count} closed in order',
      },
      open: {
        all: 'none closed within the capture',
        only: 'not closed within the capture',
        some: '{n:count} not closed within the capture',
      },
    },
    quiet:
      'Healthy: {sockets:count} sockets and {listeners:count} listeners of {name} watched for {for:ms}; no full queue, leaked CLOSE-WAIT, lack of descriptors or ports, abort or stall among them',
    quietPartly:
      'Nothing wrong as far as could be seen: {sockets:count} sockets and {listeners:count} listeners of {name} watched for {for:ms}; {missing:count} {missing?kind|kinds} of facts {missing?was|were} not to be had, see below',
    blind:
      'Cannot say that all is well, {lacks} could not be seen (sudo?): nothing wrong in {sockets:count} sockets and {listeners:count} listeners of {name}, watched for {for:ms}',
    hostUnexplained: 'Not explained: {what}',
    noSockets: 'No TCP socket was seen on {hosts:count} hosts: nothing to judge',
    empty: 'No TCP connection in {frames:count} frames: nothing to judge',
  },
  /** By what was missing; the first one always. */
  lacks: {
    events: 'resets, refused connects and failed calls',
    'namespace-entry': 'other network namespaces',
    'all-processes': "other users' processes",
    netlink: 'details of sockets',
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
    examples: '{count?connection|connections} {ids}',
    /** Behind what they are, in the headline and in the entry. */
    flood:
      '(one SYN each of {many?at least |}{clients:count} client addresses, never an ACK: a SYN flood or a scan, as far as packets show)',
    floodAsk:
      "ss -tn state syn-recv 'sport = :{port}' | wc -l; nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies TcpExtSyncookiesSent # on the server",
    ask: 'tcpwhy analyze --show {id} {file}',
    what: {
      clean: 'connections closed in order',
      'cut-response': "responses cut short by the server's FIN",
      'half-closed': 'half-closed connections',
      'handshake-incomplete': 'handshakes never completed',
      'late-connect': 'connects that needed three SYNs or more',
      'lone-syn': 'SYNs with nothing after them',
      'handshake-reset': 'resets during the handshake',
      open: 'open connections',
      refused: 'refusals',
      reset: 'resets',
      'reset-after-close': 'resets after the close',
      'reset-after-fin': 'resets after a FIN',
      stuck: 'connections whose data is sent again and again, unacknowledged',
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
  'acknowledgements|acknowledgments|addresses|bursts|causes|clients|closes|connections|connects|cuts|endpoints|failures|findings|frames|handshakes|hosts|listeners|namespaces|octets|packets|pairs|ports|probes|processes|refusals|requests|resets|responses|segments|sockets|SYN-ACKs|SYNs|time-outs|times|servers'
const ADJECTIVES =
  'client|duplicate|earlier|finished|half-closed|idle|keepalive|long|more|network|other|open|repeated|such|TLS|unanswered|unreachable'
const ONE = new RegExp(
  String.raw`(^|[^\d.,])1 ((?:(?:${ADJECTIVES}) )*)(${NOUNS})\b( were| are| have)?`,
  'g',
)
const VERBS: Record<string, string> = { ' were': ' was', ' are': ' is', ' have': ' has' }

/** "1 connections were" -> "1 connection was": templates are written for many. */
export function singular(text: string): string {
  return text.replace(ONE, (_, before: string, adjective: string, noun: string, verb?: string) => {
    const one = noun.endsWith('sses') ? noun.slice(0, -2) : noun.slice(0, -1)
    return `${before}1 ${adjective}${one}${verb === undefined ? '' : VERBS[verb]}`
  })
}
