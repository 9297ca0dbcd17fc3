import type { CauseMessages } from '../types.ts'
import { survivedIdle } from './commands.ts'
import { silenceSays } from './experiments.ts'

export const adminKill = {
  title:
    '{connections:count} connections with {server} were ended on purpose by {who} (pid {pid}): ss -K or the like',
  because: {
    ...silenceSays,
    told: 'the server said why it ended the session: {text} ({code})',
    'statement-cut':
      'a statement was at work for {waited:ms} when the server closed (FIN) without a result or an error: KILL of MariaDB does that',
    'perhaps-crash':
      'a server process that crashed, or a proxy that lost the server, looks the same',
    'idle-reset':
      '{count:count} idle connections, everything answered and read, were reset within {within:ms}: closing or dying would have been a FIN',
    'perhaps-linger':
      'a server that closes with SO_LINGER 0 (at an idle limit, or as it ends) looks the same',
    'kernel-said':
      'the kernel says TCP_STATE for {count:count} resets of connections in {state}: somebody destroyed the sockets from outside (SOCK_DESTROY, bpf_sock_destroy)',
  },
  now: [
    {
      text: 'Find out who did it before you stop it: it may be protecting somebody.',
      command: 'ps -o pid,ppid,lstart,cmd -p {pid}',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports:
      'connections (and sessions) that say nothing outlive these: no limit of time ended them',
    refutes:
      'they end by themselves after about as long: it is an idle limit of the server or of a hop',
  },
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
    'statement-cut': {
      title:
        '{server} ended {connections:count} sessions in the middle of a statement without a word: killed, or the server crashed',
      now: [
        {
          text: "See whether the server itself restarted (uptime); if not, somebody or something killed the sessions: the database's log and the process list have it.",
          command:
            'mariadb -e "SHOW GLOBAL STATUS LIKE \'Uptime\'"; journalctl --since "-1h" | grep -iE "aborted connection|killed|signal"',
        },
      ],
      confirm: [
        {
          text: 'Jobs that kill long statements (pt-kill, max_statement_time of a proxy, a person) say so in their own log; with log_warnings=2 MariaDB logs "Aborted connection ... (KILLED)" or the like.',
        },
      ],
      fix: [
        {
          text: 'Bound statements where they are sent (statement or query timeout of the client), so that nobody needs to kill them; retry idempotent work.',
        },
      ],
    },
    'reset-together': {
      title: '{connections:count} idle connections with {server} were reset in one moment',
      now: [
        {
          text: 'Ask what was done at that second on the server: ss -K, a fail-over or firewall script, a restart of a program with SO_LINGER 0.',
          command: 'journalctl --since "-1h" -o short-precise',
        },
      ],
      confirm: [
        {
          text: 'When it comes again, the kernel names the reason (TCP_STATE: destroyed from outside; TCP_ABORT_ON_LINGER and the like: closed so) and the process.',
          command: 'sudo tcpwhy diagnose --for 60s',
        },
      ],
      fix: [
        {
          text: 'Have pools test or retire connections (validation query, maximum lifetime) and retry idempotent requests; announce scripts that end connections.',
        },
      ],
    },
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
