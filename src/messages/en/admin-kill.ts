import type { CauseMessages } from '../types.ts'

export const adminKill = {
  title:
    '{connections:count} connections with {server} were ended on purpose by {who} (pid {pid}): ss -K or the like',
  because: {
    'kernel-said':
      'the kernel says TCP_STATE for {count:count} resets of connections in {state}: somebody destroyed the sockets from outside (SOCK_DESTROY, bpf_sock_destroy)',
  },
  now: [
    {
      text: 'Find out who did it before you stop it: it may be protecting somebody.',
      command: 'ps -o pid,ppid,lstart,cmd -p {pid}',
    },
  ],
  confirm: [
    {
      text: 'The event names the process; it is ss, a fail-over script or an agent, not the owner of the socket.',
      command: 'sudo perf record -a -e tcp:tcp_send_reset -- sleep 60 && sudo perf script',
    },
  ],
  fix: [
    {
      text: 'Exclude the connections from the tool that ends them, or announce when it runs. Clients must expect it: retry idempotent requests.',
    },
  ],
} as const satisfies CauseMessages
