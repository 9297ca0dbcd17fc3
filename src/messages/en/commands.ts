// Commands that several causes ask for, {address} being the server's, whoever is the culprit; {server} is its endpoint. Tools other than tcpwhy are standard ones.

/** Every RST that this host's kernel sends within 30 s: process, addresses, state, and the reason (Linux 6.12 and later). */
export const resetReasons =
  "sudo sh -c 'cd /sys/kernel/tracing; echo 1 >events/tcp/tcp_send_reset/enable; timeout 30 cat trace_pipe; echo 0 >events/tcp/tcp_send_reset/enable'"

/** Whether a connection can be opened at all; as root also which hop refuses or drops it. */
export const connects = 'sudo tcpwhy probe connect {target}'

/** The accept queue (Recv-Q of Send-Q) and what it has refused. */
export const acceptQueue =
  "ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops"

// Experiments, filled in by src/diagnose/experiment.ts; `plain` is for servers that do not speak HTTP.

/** Whether an HTTP request is taken, acknowledged and answered, step by step. */
export const serves = { command: 'sudo tcpwhy probe connect {url}', plain: connects } as const

/** How a listener takes bursts: which connections fail, and how. */
export const bursts = {
  command: 'tcpwhy probe backlog {url} --connections 200 --yes-i-own-this',
} as const

/** Which silence a connection survives, how it dies, by whom, and whether keepalive helps. */
export const survivedIdle = 'sudo tcpwhy probe idle {talk} {silence}'

/** How long the server lets an idle HTTP connection live, and what becomes of a request that is sent just then. */
export const idleAge = 'tcpwhy probe http {url} --max {max}'
export const ages = { command: idleAge, plain: survivedIdle } as const

/** What becomes of bodies that the server does not want to read. */
export const uploads = {
  command: 'tcpwhy probe http {url} --post --max 5s',
  plain: connects,
} as const

/** How late answers are, and which do not come, at a gentle rate. */
export const asks = {
  command: 'tcpwhy probe load {url} --rate 5 --for 1m --timeout {patience}',
  plain: connects,
} as const

/** The same with a new connection, and so a port of its own, for each request. */
export const oneShots = {
  command: 'tcpwhy probe load {url} --one-shot --rate 20 --for 30s',
  plain: connects,
} as const

/** For a box that translates addresses and lets packets not through. `port`: of the server, as its clients know it. */
export const atTranslatingBox = {
  now: [
    {
      text: 'On the box that translates these addresses: list its rules with their counters, and what its connection tracking refused.',
      command: 'sudo nft list ruleset; sudo iptables -nvL; sudo conntrack -S',
    },
  ],
  confirm: [
    {
      text: 'There: the trace names the rule that stops the next packet; add it, connect once, remove the table again.',
      command:
        "sudo nft 'add table inet why; add chain inet why i { type filter hook prerouting priority -400; }; add rule inet why i tcp dport {port} meta nftrace set 1' && sudo timeout 10 nft monitor trace; sudo nft delete table inet why",
    },
  ],
} as const
