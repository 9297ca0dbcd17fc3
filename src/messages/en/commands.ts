// Commands that several causes ask for, {address} being the server's, whoever is the culprit; every tool in them is a standard one, for whoever has no tcpwhy on that machine.

/** Every RST that this host's kernel sends within 30 s: process, addresses, state, and the reason (Linux 6.12 and later). */
export const resetReasons =
  "sudo sh -c 'cd /sys/kernel/tracing; echo 1 >events/tcp/tcp_send_reset/enable; timeout 30 cat trace_pipe; echo 0 >events/tcp/tcp_send_reset/enable'"

/** Whether a connection can be opened at all. */
export const connects = 'nc -vz -w 5 {address} {port}'

/** The accept queue (Recv-Q of Send-Q) and what it has refused. */
export const acceptQueue =
  "ss -ltn 'sport = :{port}'; nstat -az TcpExtListenOverflows TcpExtListenDrops"

/** How long the server lets an idle HTTP connection live: one request, then the time until it closes. */
export const idleAge =
  'bash -c \'exec 3<>/dev/tcp/{address}/{port}; printf "GET / HTTP/1.1\\r\\nHost: {address}\\r\\n\\r\\n" >&3; time cat <&3 >/dev/null\''

/** Which silence an HTTP connection survives: 2 answers while it does, 1 when it does not. */
export const survivedIdle =
  "for s in 30 60 240 400; do (printf 'GET / HTTP/1.1\\r\\nHost: {address}\\r\\n\\r\\n'; sleep $s; printf 'GET / HTTP/1.1\\r\\nHost: {address}\\r\\nConnection: close\\r\\n\\r\\n') | timeout $((s + 10)) nc {address} {port} | grep -c ^HTTP; done"
