import type { LineEndpoints } from './endpoints.ts'

export interface NextStep {
  text: string
  command?: string
}

/** Kinds of next steps; a pattern or a state names them, `stepsFor` fills in addresses and ports. */
export type StepKind =
  | 'capture'
  | 'diagnose'
  | 'reach'
  | 'listener'
  | 'counters'
  | 'reasons'
  | 'sockets'
  | 'close-wait'
  | 'descriptors'
  | 'stacks'
  | 'local-ports'
  | 'kernel-log'
  | 'conntrack'
  | 'memory'
  | 'idle'
  | 'mysql'
  | 'postgres'

/** Verbs of tcpwhy that this version has; a step that needs another one is left out. */
export interface StepOptions {
  verbs: readonly string[]
}

type Step = NextStep & { verb?: string }

/** @returns the steps with exact addresses where the line had them, else with PORT, HOST, PID to fill in. */
export function stepsFor(
  kinds: readonly StepKind[],
  endpoints: LineEndpoints,
  { verbs }: StepOptions,
): NextStep[] {
  const port = endpoints.port === null ? 'PORT' : String(endpoints.port)
  const host = endpoints.host ?? 'HOST'
  return kinds
    .flatMap((kind) => makers[kind]({ port, host, pair: endpoints.pair }))
    .filter(({ verb }) => verb === undefined || verbs.includes(verb))
    .map(({ text, command }) => (command === undefined ? { text } : { text, command }))
}

interface Place {
  port: string
  host: string
  pair: readonly string[]
}

const makers: Record<StepKind, (place: Place) => Step[]> = {
  capture: captureSteps,
  diagnose: ({ port }) => [
    {
      text: 'On the host that logged it (or on the server): ask the kernel while it happens.',
      command: `sudo tcpwhy diagnose --port ${port}`,
      verb: 'diagnose',
    },
  ],
  reach: ({ host, port }) => [
    { text: 'Does it happen to everybody, and now?', command: `nc -vz -w 5 ${host} ${port}` },
  ],
  listener: ({ port }) => [
    {
      text: 'On the server: who listens, and is its accept queue full (Recv-Q = Send-Q + 1)?',
      command: `ss -ltnp 'sport = :${port}'`,
    },
  ],
  counters: () => [
    {
      text: 'On both hosts: counters now and ten seconds later; what rises names the reason.',
      command: `nstat -n; sleep 10; nstat | grep -E 'Rst|Abort|Listen|Reset|Timeouts|Drop|Overflow'`,
    },
  ],
  reasons: () => [
    {
      text: "The kernel's own reason for each reset it sends (reasons since Linux 6.10).",
      command: 'sudo perf record -a -e tcp:tcp_send_reset -- sleep 60 && sudo perf script',
    },
  ],
  sockets: ({ port }) => [
    {
      text: 'States, timers, queues and owners of its sockets, kept in a file.',
      command: `sudo ss -tanpoi '( sport = :${port} or dport = :${port} )' > sockets.txt`,
    },
  ],
  'close-wait': () => [
    {
      text: 'Who holds CLOSE-WAIT sockets, to which peers, with how much unread (Recv-Q)?',
      command: 'sudo ss -tanpo state close-wait',
    },
  ],
  descriptors: () => [
    {
      text: 'What are the descriptors of the process? Save this before a restart.',
      command: `sudo ls -l /proc/PID/fd | sed 's/.*-> //; s/:.*//' | sort | uniq -c`,
    },
    {
      text: 'More room without a restart:',
      command: 'sudo prlimit --pid PID --nofile=65536:65536',
    },
  ],
  stacks: () => [
    {
      text:
        'What does the silent side wait for? Stacks, two or three times, before a restart: ' +
        'jstack PID, py-spy dump --pid PID, /debug/pprof/goroutine?debug=2.',
    },
  ],
  'local-ports': () => [
    {
      text: 'Which destination uses up the local ports?',
      command: `ss -Htan state time-wait | awk '{print $4}' | sort | uniq -c | sort -n | tail`,
    },
    { text: 'How many are there?', command: 'sysctl net.ipv4.ip_local_port_range' },
  ],
  'kernel-log': () => [
    {
      text: "The kernel's log around that time.",
      command: `journalctl -k --since '-1 hour' | grep -i -E 'tcp|conntrack|oom|killed|SYN flood'`,
    },
  ],
  conntrack: () => [
    {
      text: 'How full is the table, and what is dropped?',
      command:
        'sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; sudo conntrack -S',
    },
  ],
  memory: () => [
    {
      text: 'Orphans and memory pages of TCP against their limits.',
      command: 'cat /proc/net/sockstat; sysctl net.ipv4.tcp_max_orphans net.ipv4.tcp_mem',
    },
  ],
  idle: ({ port }) => [
    {
      text: 'How long had the connection been silent? Look for one constant over many failures.',
      command: `ss -tanoi 'dport = :${port}'`,
    },
  ],
  mysql: () => [
    {
      text: 'Sessions, open transactions and limits in the database; save the output first.',
      command: `mysql -e "SHOW FULL PROCESSLIST; SELECT * FROM information_schema.innodb_trx"`,
    },
  ],
  postgres: () => [
    {
      text: 'Sessions by state and age of their transaction; save the output first.',
      command: `psql -c "SELECT pid, state, xact_start, query FROM pg_stat_activity"`,
    },
  ],
}

function captureSteps({ pair, host, port }: Place): Step[] {
  const [a, b] = pair.map(hostOf)
  const ported = port === 'PORT' ? [] : [`--port ${port}`]
  if (a !== undefined && b !== undefined) {
    return [record(`host ${a} and host ${b} and tcp`), analyse([`--between ${a} ${b}`, ...ported])]
  }
  const filter = host === 'HOST' ? `tcp port ${port}` : `host ${host} and tcp port ${port}`
  return [record(filter), analyse(ported)]
}

function record(filter: string): Step {
  return {
    text: 'Capture while it happens, best on both hosts (stop with Ctrl-C):',
    command: `sudo tcpdump -nn -i any -s 128 -w why.pcap '${filter}'`,
  }
}

function analyse(filters: readonly string[]): Step {
  return {
    text: 'Then, or with a capture you already have:',
    command: ['tcpwhy analyze why.pcap', ...filters].join(' '),
    verb: 'analyze',
  }
}

function hostOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}
