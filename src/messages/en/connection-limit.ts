import type { CauseMessages, Shown } from '../types.ts'
import { bursts } from './commands.ts'

const nginx = {
  now: [
    {
      text: 'Keep the scene before any restart: who holds the connections.',
      command: 'sudo tcpwhy snapshot --pid {pid}',
    },
    {
      text: 'Raise it and reload: old workers finish what they have, new ones have the new limit.',
      command: 'sudo nginx -t && sudo nginx -s reload',
    },
  ],
  confirm: [
    {
      text: 'Its error log says "worker_connections are not enough".',
      command: "sudo grep -h 'worker_connections' /var/log/nginx/error.log | tail",
    },
  ],
  fix: [
    {
      text: 'Find out what fills it: each proxied request takes two, kept-alive clients one each (keepalive_timeout), a slow upstream all of them.',
      command: "ss -tn state established '( sport = :{port} )'",
    },
    {
      text: 'Raise the limit, and worker_rlimit_nofile with it (two descriptors for each connection).',
      setting: '{setting}',
      command: 'sudo nginx -t && sudo nginx -s reload',
    },
  ],
} as const satisfies Shown

export const connectionLimit = {
  title: '{server} refused {connections:count} connections: its limit {setting} is reached',
  because: {
    'said-so': 'the server answered the new connection with error {code}: {text}',
    'in-words': 'the server answered the new connection with "{text}"',
    holds: 'it has {count:count} connections of clients, and {setting} allows {limit:count}',
    'stopped-accepting':
      '{who} has taken its listener out of its event loop: it accepts nobody until one of them ends',
    'worker-holds':
      'its worker (pid {pid}) has {count:count} of {limit:count} connections in use, listeners and those to upstreams among them',
    'closed-unread':
      '{count:count} connections were closed by it while their clients asked for something, which those get as a reset',
    'makes-room':
      '{free:count} are free: with less than a sixteenth free it closes idle connections of its clients before their time',
    sessions:
      'it has {count:count} sessions, and {setting} allows {limit:count}, of which {reserved:count} are kept for superusers: the next client is refused ("too many clients already", or "remaining connection slots are reserved")',
    'sessions-do':
      'of these sessions {active:count} are at work, {idle:count} idle, {open:count} idle inside a transaction',
    'limit-configured': '{setting} is {value} in {file}',
    'limit-default': 'nobody sets {setting}: {value} is the default of the program',
  },
  now: [
    {
      text: 'See who holds the connections before any restart: sessions by user, host, state and age.',
      command:
        "mysql -h {host} -P {port} -e 'SHOW FULL PROCESSLIST'   # PostgreSQL: psql -h {host} -p {port} -c 'SELECT state, usename, count(*), min(state_change) FROM pg_stat_activity GROUP BY 1, 2'",
    },
    { text: 'End sessions that sit idle in a transaction; that frees places at once.' },
  ],
  experiment: {
    command: bursts.command,
    plain: 'tcpwhy probe idle {talk} --max 10s',
    supports:
      'from some number on connections are refused in the same words (a login of MySQL: Too many connections) or closed without an answer',
    refutes: 'all are served (PostgreSQL says it only to a login: psql)',
  },
  confirm: [
    {
      text: 'MySQL: Max_used_connections and Connection_errors_max_connections; PostgreSQL: the count of pg_stat_activity against max_connections.',
      command:
        "mysql -h {host} -P {port} -e \"SHOW GLOBAL STATUS LIKE '%onnection%'\"   # PostgreSQL: psql -h {host} -p {port} -c 'SHOW max_connections'",
    },
  ],
  fix: [
    {
      text: 'Make the pools of all clients together smaller than the limit: instances x pool size, with room for operators.',
      setting: 'max_connections',
    },
    {
      text: 'Find leaks: connections taken and not given back, transactions left open. A higher limit only delays these.',
    },
    {
      text: 'Raise the limit if the machine has the memory, or put a pooler (ProxySQL, PgBouncer) before the database.',
      setting: 'max_connections',
    },
  ],
  variants: {
    'in-words': {
      now: [
        {
          text: 'See who holds the connections before any restart: clients by address and number.',
          command: "ss -tn state established '( sport = :{port} )'",
        },
      ],
      confirm: [
        {
          text: 'The count against the limit. Redis: INFO clients (connected_clients, maxclients) and rejected_connections; memcached: stats (curr_connections, max_connections, rejected_connections); sshd: its log says drop connection, past MaxStartups.',
          command: 'redis-cli -p {port} INFO clients   # sshd: sudo sshd -T | grep -i maxstartups',
        },
      ],
      fix: [
        {
          text: 'Find who opens so many: a client without a pool, one that does not close, a scanner that tries passwords (sshd).',
        },
        {
          text: 'Make the pools of all clients together smaller than the limit, or raise it where memory and descriptors allow (Redis takes what ulimit -n gives it).',
          setting: '{setting}',
        },
      ],
    },
  },
  machine: {
    title:
      '{who} (pid {pid}) is at its limit {setting}: {connections:count} of {limit:count} connections',
    variants: {
      haproxy: {
        now: [
          {
            text: 'Keep the scene before any restart: who holds the connections, and what waits.',
            command: 'sudo tcpwhy snapshot --pid {pid}',
          },
          {
            text: 'Raise it without a restart, where the stats socket is open to an administrator: nothing is lost.',
            command:
              'echo "set maxconn global {wanted}" | sudo socat - UNIX-CONNECT:/run/haproxy/admin.sock',
          },
        ],
        confirm: [
          {
            text: 'CurrConns stands at Maxconn.',
            command:
              'echo "show info" | sudo socat - UNIX-CONNECT:/run/haproxy/admin.sock | grep -i conn',
          },
        ],
        fix: [
          {
            text: 'Find out why connections stay: slow servers behind it, long client timeouts (timeout client, timeout http-keep-alive), a client that opens too many.',
            command: "ss -tn state established '( sport = :{port} )'",
          },
          {
            text: 'Raise the limit if the machine has the memory and the descriptors (about two for each connection). Give listeners their own backlog, which otherwise follows maxconn.',
            setting: '{setting}',
            verify: 'haproxy -c -f /etc/haproxy/haproxy.cfg',
          },
        ],
      },
      nginx,
      'nginx-near': {
        ...nginx,
        title:
          '{who} (pid {pid}) is near its limit {setting}: {connections:count} of {limit:count} connections',
      },
      postgresql: {
        now: [
          {
            text: 'See who holds the sessions before any restart; superusers still get in.',
            command:
              'sudo -u postgres psql -p {port} -c "SELECT state, usename, client_addr, count(*), min(state_change) FROM pg_stat_activity WHERE backend_type = \'client backend\' GROUP BY 1, 2, 3 ORDER BY 4 DESC"',
          },
          {
            text: 'End sessions that sit idle in a transaction; that frees places at once.',
            command:
              "sudo -u postgres psql -p {port} -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND state_change < now() - interval '1 min'\"",
          },
        ],
        confirm: [
          {
            text: 'Its log says "sorry, too many clients already" or "remaining connection slots are reserved".',
            command:
              'sudo grep -h "connection slots\\|too many clients" /var/log/postgresql/*.log | tail',
          },
        ],
        fix: [
          {
            text: 'Make the pools of all clients together smaller than the limit: instances x pool size, with room for operators.',
          },
          {
            text: 'Find leaks: connections taken and not given back, transactions left open. A higher limit only delays these.',
          },
          {
            text: 'Put PgBouncer before the database, or raise the limit if the machine has the memory; it needs a restart.',
            setting: '{setting}',
            command:
              'sudo -u postgres psql -p {port} -c "ALTER SYSTEM SET max_connections = {wanted}"',
          },
        ],
      },
    },
  },
} as const satisfies CauseMessages
