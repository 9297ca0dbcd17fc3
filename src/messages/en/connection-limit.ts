import type { CauseMessages } from '../types.ts'

export const connectionLimit = {
  title: '{server} refused {connections:count} connections: its limit {setting} is reached',
  because: {
    'said-so': 'the server answered the new connection with error {code}: {text}',
  },
  now: [
    {
      text: 'See who holds the connections before any restart: sessions by user, host, state and age.',
      command:
        "mysql -h {host} -P {port} -e 'SHOW FULL PROCESSLIST'   # PostgreSQL: psql -h {host} -p {port} -c 'SELECT state, usename, count(*), min(state_change) FROM pg_stat_activity GROUP BY 1, 2'",
    },
    { text: 'End sessions that sit idle in a transaction; that frees places at once.' },
  ],
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
} as const satisfies CauseMessages
