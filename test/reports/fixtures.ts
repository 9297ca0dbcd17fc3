import type { ConnectionSummary, Report, Source } from '../../src/diagnose/report.ts'
import { type Ending, endings } from '../../src/evidence/endings.ts'

// Reports made by hand, so that the formats are tested without a capture: each shows what the others do not.

export function connection(over: Partial<ConnectionSummary> = {}): ConnectionSummary {
  return {
    id: '0',
    client: '10.77.1.4:48173',
    server: '10.77.2.2:80',
    clientGuessed: false,
    sawStart: true,
    seen: 'both',
    startTime: '2026-11-20T09:14:03.199624871Z',
    durationMs: 1000.4,
    ending: 'clean',
    endedBy: 'client',
    frames: { source: 'capture-1', first: 1, last: 12 },
    handshakeRttMs: 0.041,
    options: {
      mss: { client: 1460, server: 1460 },
      windowScale: { client: 7, server: 7 },
      sack: true,
      timestamps: true,
    },
    packets: { client: 6, server: 6 },
    payloadOctets: { client: 78, server: 853 },
    missingOctets: { client: 0, server: 0 },
    retransmissions: {
      rto: { client: 0, server: 0 },
      fast: { client: 0, server: 0 },
      spurious: { client: 0, server: 0 },
      syn: { client: 0, server: 0 },
      synAck: { client: 0, server: 0 },
      fin: { client: 0, server: 0 },
    },
    duplicateAcks: { client: 0, server: 0 },
    outOfOrder: { client: 0, server: 0 },
    keepaliveProbes: { client: 0, server: 0 },
    zeroWindow: { client: { times: 0, ms: 0 }, server: { times: 0, ms: 0 } },
    resets: { client: 0, server: 0 },
    fins: { client: 1, server: 1 },
    longestSilenceMs: 12,
    silenceBeforeEndMs: 0.2,
    unreadOctets: { client: null, server: null },
    ttl: { client: [64], server: [64] },
    ...over,
  }
}

export function counted(some: Partial<Record<Ending, number>>): Record<Ending, number> {
  const all = Object.fromEntries(endings.map((ending) => [ending, 0])) as Record<Ending, number>
  return { ...all, ...some }
}

function source(over: Partial<Source> = {}): Source {
  return {
    id: 'capture-1',
    kind: 'capture',
    name: 'captures/listen-backlog.pcap',
    from: '2026-11-20T09:14:00.000000000Z',
    to: '2026-11-20T09:14:12.347120000Z',
    counts: { frames: 4312, tcp: 4310, dropped: 0 },
    faults: [],
    format: 'pcap',
    ...over,
  }
}

const refused = connection({
  id: '131',
  client: '10.77.1.6:39001',
  server: '10.77.2.3:9090',
  ending: 'refused',
  endedBy: 'server',
  durationMs: 0.03,
  frames: { source: 'capture-1', first: 1999, last: 2000, reset: 2000 },
  payloadOctets: { client: 0, server: 0 },
  cause: 'port-closed',
})

const unanswered = connection({
  id: '44',
  client: '10.77.1.5:40895',
  ending: 'unanswered',
  endedBy: null,
  handshakeRttMs: null,
  frames: { source: 'capture-1', first: 1203, last: 1388 },
  payloadOctets: { client: 0, server: 0 },
  retransmissions: { ...connection().retransmissions, syn: { client: 1, server: 0 } },
  cause: 'accept-queue-overflow',
})

/** A problem with three findings, one of them a consequence of another, and one a notice. */
export const threeFindings: Report = {
  schema: 'tcpwhy.report/1',
  tool: { name: 'tcpwhy', version: '0.1.0' },
  sources: [source()],
  verdict: 'problem',
  headline:
    '10.77.2.2:80 let 148 of 346 connections wait or fail: its accept queue was full (likely)',
  findings: [
    {
      cause: 'accept-queue-overflow',
      variant: 'syn-dropped',
      certainty: 'likely',
      severity: 'problem',
      title: '10.77.2.2:80 dropped the SYNs of 148 connections: its accept queue was full',
      culprit: {
        side: 'server',
        host: '10.77.2.2',
        process: { pid: 812, command: 'nginx', container: 'shop-7f' },
        setting: 'net.core.somaxconn',
      },
      affected: { connections: 148, of: 346, examples: ['44', '45', '61'] },
      because: [
        {
          kind: 'frame',
          frame: 1203,
          connection: '44',
          source: 'capture-1',
          text: 'the SYN and its repetitions after 1 s and 3 s got no answer, while 41 others in the same second that were sent again did',
        },
        {
          kind: 'connection',
          connection: '2',
          source: 'capture-1',
          text: 'port 8080 of the same host answered all of its 69 connections meanwhile',
        },
        {
          kind: 'counter',
          name: 'TcpExtListenOverflows',
          before: 0,
          after: 1137,
          netns: 'shop',
          source: 'capture-1',
          text: 'the kernel counted every dropped SYN',
        },
      ],
      against: [],
      now: [
        {
          text: 'Keep the scene before any restart: a restart resets every connection in the queue and hides the slow acceptor.',
          command: 'ss -ltnm; nstat -az TcpExtListenOverflows TcpExtListenDrops',
        },
      ],
      confirm: [
        {
          text: "Recv-Q of the listener is its limit plus one while it happens, and the kernel's counter rises by one each SYN.",
          command:
            "watch -n 1 'ss -ltnm sport = :80; nstat -az TcpExtListenOverflows TcpExtListenDrops' && echo this line is long enough to be broken",
        },
      ],
      fix: [
        { text: 'First find why accept() is not called: one blocked worker, or too few of them.' },
        {
          text: 'Then lengthen the queue on both of its limits and restart the listener.',
          setting: 'net.core.somaxconn and listen 80 backlog=4096',
          command: 'sysctl -w net.core.somaxconn=4096',
          verify: 'nstat -az TcpExtListenOverflows',
        },
      ],
    },
    {
      cause: 'client-timeout',
      certainty: 'likely',
      severity: 'problem',
      title: '11 clients gave up 1.0 s after their request to 10.77.2.2:80',
      culprit: { side: 'server', host: '10.77.2.2' },
      affected: { connections: 11, of: 346, examples: ['57'] },
      because: [
        {
          kind: 'frame',
          frame: 1530,
          connection: '57',
          source: 'capture-1',
          text: 'the client closed 1.0 s after its request, as 10 others did to within 2 ms',
        },
      ],
      against: [
        {
          kind: 'frame',
          frame: 1544,
          connection: '57',
          source: 'capture-1',
          text: 'the answer came 1.2 s later and was answered by a reset',
        },
      ],
      consequenceOf: 'accept-queue-overflow',
      confirm: [{ text: "Look for the 1 s time-out in the client's settings." }],
      fix: [{ text: 'Goes away with its cause.' }],
    },
    {
      cause: 'port-closed',
      certainty: 'possible',
      severity: 'notice',
      title: '10.77.2.3:9090 refused 1 connection: nothing is listening on that port',
      culprit: { side: 'server', host: '10.77.2.3' },
      affected: { connections: 1, of: 346, examples: ['131'] },
      alternativeTo: 'firewall-reject',
      because: [
        {
          kind: 'frame',
          frame: 2000,
          connection: '131',
          source: 'capture-1',
          text: 'the SYN was answered by RST,ACK with seq 0 and window 0 after 0.03 ms',
        },
      ],
      against: [],
      confirm: [],
      fix: [{ text: 'Start the service.', verify: 'tcpwhy probe connect 10.77.2.3:9090' }],
    },
  ],
  excluded: [
    {
      cause: 'connect-filtered',
      because: [
        {
          kind: 'frame',
          frame: 1402,
          connection: '46',
          source: 'capture-1',
          text: 'SYNs from the same client to the same port were answered 200 ms before and after',
        },
      ],
    },
  ],
  unknown: [
    {
      cause: 'syn-queue-overflow',
      missing: ["the kernel's TCPReqQFullDrop counter", 'a capture at the client'],
      ask: 'nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies',
    },
  ],
  connections: {
    total: 415,
    byEnding: counted({ clean: 256, unanswered: 107, 'reset-after-fin': 51, refused: 1 }),
    troubled: 159,
    listedLimit: 1000,
    listed: [unanswered, refused],
  },
}

/** Nothing to say but that all is well. */
export const healthy: Report = {
  schema: 'tcpwhy.report/1',
  tool: { name: 'tcpwhy', version: '0.1.0' },
  sources: [source({ name: 'quiet.pcapng', format: 'pcapng', counts: { frames: 120, tcp: 118 } })],
  verdict: 'healthy',
  headline: 'Healthy: all 12 connections ended as they should',
  findings: [],
  excluded: [],
  unknown: [],
  connections: {
    total: 12,
    byEnding: counted({ clean: 11, open: 1 }),
    troubled: 0,
    listedLimit: 1000,
    listed: [],
  },
}

/** Only a possible finding, from a capture that is cut and lost packets, against a baseline. */
export const inconclusive: Report = {
  schema: 'tcpwhy.report/1',
  tool: { name: 'tcpwhy', version: '0.1.0' },
  sources: [
    source({
      name: 'cut.pcap',
      counts: { frames: 311, tcp: 300, fragments: 4, dropped: 1045 },
      faults: [
        {
          name: 'cut-record',
          count: 1,
          frame: 311,
          text: 'the file ends in the middle of a record',
        },
        { name: 'kernel-drops', count: 1045, text: 'the capturing host dropped packets' },
      ],
    }),
  ],
  verdict: 'inconclusive',
  headline: '3 connections to [2001:db8::7]:3306 were cut after 15 min of silence (possible)',
  findings: [
    {
      cause: 'middlebox-idle-timeout',
      variant: 'drop',
      certainty: 'possible',
      severity: 'problem',
      title: 'Connections to [2001:db8::7]:3306 die once they are silent for 15 min 2 s',
      culprit: { side: 'middlebox' },
      affected: { connections: 3, of: 40, examples: ['7', '9', '12'] },
      because: [
        {
          kind: 'frame',
          frame: 208,
          connection: '7',
          source: 'capture-1',
          text: 'data after 15 min 2 s of silence was sent 6 times and never answered',
        },
      ],
      against: [
        {
          kind: 'connection',
          connection: '3',
          source: 'capture-1',
          text: 'a silence of 14 min 58 s was survived, so the limit is between the two',
        },
      ],
      confirm: [
        {
          text: 'Measure it.',
          command: 'tcpwhy probe idle-timeout [2001:db8::7]:3306 --from 10m --to 20m',
        },
      ],
      fix: [
        {
          text: 'Send keepalives well below the limit.',
          setting: 'net.ipv4.tcp_keepalive_time',
          command: 'sysctl -w net.ipv4.tcp_keepalive_time=300',
        },
      ],
    },
  ],
  excluded: [],
  unknown: [
    {
      cause: 'path-lost',
      missing: ['the 1,045 packets that the capture dropped'],
      ask: "tcpdump -B 65536 -s 96 -w again.pcap 'port 3306'",
    },
  ],
  connections: {
    total: 40,
    byEnding: counted({ 'timed-out': 3, open: 30, clean: 7 }),
    troubled: 3,
    listedLimit: 1000,
    listed: [
      connection({
        id: '7',
        client: '[2001:db8::a]:51810',
        server: '[2001:db8::7]:3306',
        ending: 'timed-out',
        endedBy: null,
        durationMs: 1_015_000,
        silenceBeforeEndMs: 902_000,
        seen: 'client-only',
        clientGuessed: true,
        sawStart: false,
        frames: { source: 'capture-1', first: 12, last: 301 },
        retransmissions: { ...connection().retransmissions, rto: { client: 5, server: 0 } },
        missingOctets: { client: 0, server: 812 },
        unreadOctets: { client: null, server: 4096 },
        zeroWindow: { client: { times: 0, ms: 0 }, server: { times: 2, ms: 1200 } },
        keepaliveProbes: { client: 3, server: 0 },
      }),
    ],
  },
  baseline: {
    name: 'yesterday.pcap',
    differences: [
      {
        what: 'longest silence (median)',
        unit: 'ms',
        here: 840_000,
        baseline: 4000,
        text: 'Connections lie idle 210 times longer than yesterday.',
      },
      { what: 'connections', unit: '', here: 40, baseline: 1900, text: 'Far fewer.' },
      { what: 'retransmitted', unit: '%', here: 2.44, baseline: 0.1, text: 'Only after silences.' },
    ],
  },
}

/** Two vantage points: frames need the name of their file, and both files have the same last part. */
export const twoSources: Report = {
  schema: 'tcpwhy.report/1',
  tool: { name: 'tcpwhy', version: '0.1.0' },
  sources: [
    source({ id: 'client', name: '/tmp/web/client.pcap', at: 'client' }),
    source({ id: 'server', name: '/tmp/db/server.pcap', at: 'server' }),
  ],
  verdict: 'problem',
  headline:
    'A box between 10.0.0.5 and 10.9.0.2:443 injects resets: 4 of 31 connections (confirmed)',
  findings: [
    {
      cause: 'injected-reset',
      certainty: 'confirmed',
      severity: 'problem',
      title: 'Resets that 10.9.0.2 never sent reached 10.0.0.5',
      culprit: { side: 'middlebox' },
      affected: { connections: 4, of: 31, examples: ['3', '8'] },
      because: [
        {
          kind: 'frame',
          frame: 77,
          connection: '3',
          source: 'client',
          text: 'the reset arrived with TTL 57 where the server has 52',
        },
        {
          kind: 'frame',
          frame: 81,
          connection: '3',
          source: 'server',
          text: 'the server went on sending and never sent a reset',
        },
      ],
      against: [],
      confirm: [],
      fix: [{ text: 'Ask who runs the firewall between them.' }],
    },
  ],
  excluded: [],
  unknown: [],
  connections: {
    total: 31,
    byEnding: counted({ clean: 27, reset: 4 }),
    troubled: 4,
    listedLimit: null,
    listed: [
      connection({
        id: '3',
        client: '10.0.0.5:50222',
        server: '10.9.0.2:443',
        ending: 'reset',
        endedBy: 'middlebox',
        frames: { source: 'client', first: 60, last: 77, reset: 77 },
        cause: 'injected-reset',
      }),
    ],
  },
  vantage: {
    paired: 30,
    unpaired: { client: 1, server: 0 },
    clocks: [{ source: 'server', offsetMs: -12.0412, uncertaintyMs: 0.2, driftPpm: 3.1 }],
    fates: { delivered: 412, lost: 0, altered: 0, injected: 4 },
  },
}

/** Only benign findings. */
export const benign: Report = {
  ...healthy,
  verdict: 'benign',
  headline: 'Nothing is wrong: 240 resets are health checks of 10.0.0.9 (likely)',
  findings: [
    {
      cause: 'health-check',
      certainty: 'likely',
      severity: 'benign',
      title: '240 connections of 10.0.0.9 are health checks that end in a reset on purpose',
      culprit: { side: 'client', host: '10.0.0.9' },
      affected: { connections: 240, of: 252, examples: [] },
      because: [
        {
          kind: 'connection',
          connection: '1',
          source: 'capture-1',
          text: 'one every 2 s, no payload',
        },
      ],
      against: [],
      confirm: [],
      fix: [],
    },
  ],
}

const EVIL =
  '\u001b[2J\u001b]0;owned\u0007<script>alert(1)</script>|`*_[x](http://e/)\u202egnp.exe\r\nHACK @all'

/** Everything that can carry foreign text carries what would steer a terminal, a browser or a ticket system. */
export const hostile: Report = {
  ...threeFindings,
  sources: [
    source({
      name: `/tmp/${EVIL}`,
      faults: [{ name: 'bad-comment', count: 2, text: `comment says ${EVIL}` }],
    }),
    source({ id: 'capture-2', name: `${'x'.repeat(240)}.pcap` }),
  ],
  headline: `request ${EVIL} failed`,
  findings: [
    {
      ...threeFindings.findings[0]!,
      title: `the last request was ${EVIL}`,
      culprit: { side: 'server', host: EVIL, process: { pid: 1, command: EVIL, container: EVIL } },
      because: [
        { kind: 'frame', frame: 7, connection: EVIL, source: 'capture-1', text: EVIL },
        {
          kind: 'kernel-event',
          event: 'tcp_send_reset',
          timeNs: '12',
          fields: { reason: EVIL, skaddr: 7 },
          source: 'capture-2',
          text: 'the kernel said so',
        },
        { kind: 'log', file: EVIL, line: 3, source: 'capture-1', text: 'log' },
        { kind: 'setting', name: 'a', value: EVIL, source: 'capture-1', text: 'setting' },
        { kind: 'socket', netns: EVIL, local: 'l', remote: 'r', source: 'capture-1', text: 's' },
        { kind: 'process', pid: 3, what: EVIL, source: 'capture-1', text: 'process' },
        { kind: 'pool', ref: EVIL, source: 'capture-1', text: 'pool' },
      ],
      now: [{ text: EVIL, command: `echo "${EVIL}" \`\`\`` }],
    },
  ],
  excluded: [],
  unknown: [{ cause: 'path-lost', missing: [EVIL], ask: EVIL }],
}

export const fixtures = {
  benign,
  healthy,
  hostile,
  inconclusive,
  'three-findings': threeFindings,
  'two-sources': twoSources,
} as const
