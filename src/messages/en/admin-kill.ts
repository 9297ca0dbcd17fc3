import type { CauseMessages } from '../types.ts'

export const adminKill = {
  title:
    '{connections:count} connections with {server} were ended on purpose by {who} (pid {pid}): ss -K or the like',
  because: {
    told: 'the server said why it ended the session: {text} ({code})',
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
  variants: {
    'said-so': {
      title:
        '{server} ended {connections:count} sessions by order of an administrator or at its shutdown: it says so',
      now: [
        {
          text: 'Find out who or what did it, before you stop it: a person, a job that ends idle or long sessions, a restart or fail-over.',
          command: 'journalctl --since "-1h" | grep -iE "terminating connection|shutdown|killed"',
        },
      ],
      confirm: [
        {
          text: "The database's own log has the same words at that second, and whether it restarted; pg_terminate_backend and KILL are in the audit log of whoever called them.",
        },
      ],
      fix: [
        {
          text: 'Have pools test or retire connections (HikariCP maxLifetime, pool_pre_ping, validationQuery) and retry idempotent work: such ends are part of operation.',
        },
        {
          text: 'Exclude the role from the job that ends sessions, or raise its limit; announce restarts.',
        },
      ],
    },
  },
} as const satisfies CauseMessages
