// Commands that several causes ask for, {address} being the server's, whoever is the culprit; {server} is its endpoint. Tools other than tcpwhy are standard ones.

/** Every RST that this host's kernel sends within 30 s: process, addresses, state, and the reason (Linux 6.12 and later). */
export const resetReasons =
  "sudo sh -c 'cd /sys/kernel/tracing; echo 1 >events/tcp/tcp_send_reset/enable; timeout 30 cat trace_pipe; echo 0 >events/tcp/tcp_send_reset/enable'"

/** Whether a connection can be opened at all; as root also which hop refuses or drops it. */
export const connects = 'sudo tcpwhy probe connect {server}'

/** Whether an HTTP request is taken, acknowledged and answered, step by step. */
export const served = 'tcpwhy probe connect http://{server}/'

/** The accept queue (Recv-Q of Send-Q) and what it has refused. */
export const acceptQueue =
  "ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops"

/** How a listener takes bursts: which connections fail, and how. */
export const burst = 'tcpwhy probe backlog http://{server}/ --connections 200 --yes-i-own-this'

/** How long the server lets an idle HTTP connection live, and what becomes of a request that is sent just then. */
export const idleAge = 'tcpwhy probe http http://{server}/ --max 10m'

/** Which silence a connection survives, how it dies, by whom, and whether keepalive helps. */
export const survivedIdle = 'sudo tcpwhy probe idle {server} --max 1h'

/** What becomes of bodies that the server does not want to read. */
export const refusedUpload = 'tcpwhy probe http http://{server}/ --post --max 5s'
