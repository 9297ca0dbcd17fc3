import type { CauseMessages } from '../types.ts'
import { survivedIdle } from './commands.ts'

export const openTransaction = {
  title:
    'an application on {client} left a transaction open on {connections:count} connections to {server}{named? (begun by: {statement})|}',
  because: {
    opened: 'the transaction was begun by: {statement}',
    'last-statement': 'the last statement was: {statement}',
    status:
      "the server's last answer says that a transaction is open; no COMMIT or ROLLBACK followed",
    told: 'the server said why it closed: SQLSTATE {code}, idle in transaction for too long',
    'idle-then-closed': 'then nothing for {idle:ms}, until the database side closed the connection',
    'idle-then-left':
      'then nothing for {idle:ms}, until the client of the database (a proxy is one, too) ended the connection',
    idle: 'then nothing for {idle:ms}, until the capture ends',
    'may-end': 'the connection is still open when the capture ends: COMMIT may come later',
    'title-says':
      '{count:count} processes of {who} say of themselves that they are idle in a transaction',
    'idle-on-host': 'nothing came from the client that waits longest for {idle:ms}',
    'may-go-on': 'it is not long: the next statement may come',
    'not-in-transaction':
      'the last answer of {server} on this connection says that no transaction was open',
  },
  now: [
    {
      text: 'See which sessions hold a transaction, since when, and who waits for their locks. MySQL, MariaDB:',
      command:
        'mysql -e "SELECT t.trx_id, t.trx_started, p.id, p.host, p.time FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id ORDER BY t.trx_started"',
    },
    {
      text: 'PostgreSQL:',
      command:
        'psql -c "SELECT pid, client_addr, client_port, xact_start, query, pg_blocking_pids(pid) FROM pg_stat_activity WHERE state LIKE \'idle in transaction%\' ORDER BY xact_start"',
    },
    {
      text: 'Ending the oldest session frees its locks (KILL id; SELECT pg_terminate_backend(pid)). A restart of the application does so too, and destroys its stacks: save them first.',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports:
      'a session that is silent without a transaction outlives these: it is the open transaction that is ended',
    refutes: 'it is closed as early: it is the limit of idle sessions',
  },
  confirm: [
    {
      text: 'Join the client ports of this finding with the sessions of the database: client_port in pg_stat_activity, host in the process list.',
    },
    {
      text: 'On the application host these sockets are in CLOSE-WAIT, or idle and in use by the pool, and the process is known.',
      command: "sudo ss -tanpo 'dport = :{port}'",
    },
  ],
  fix: [
    {
      text: 'Roll back on every way out. Go: tx, err := db.BeginTx(ctx, nil); defer tx.Rollback() right after it. Java: @Transactional or try/finally with rollback. Python: with conn.begin(). Node: try { ... } finally { if (open) await client.query("ROLLBACK"); client.release() }. Look for a return between begin and commit.',
    },
    {
      text: 'Let the database end what was forgotten. PostgreSQL:',
      setting: 'idle_in_transaction_session_timeout',
      command:
        "psql -c \"ALTER SYSTEM SET idle_in_transaction_session_timeout = '30s'\" -c 'SELECT pg_reload_conf()'",
      verify: "psql -c 'SHOW idle_in_transaction_session_timeout'",
    },
    {
      text: 'MariaDB has idle_transaction_timeout (seconds); MySQL only wait_timeout, for the whole session.',
      setting: 'idle_transaction_timeout',
    },
    {
      text: 'Turn on leak detection in the pool: HikariCP leakDetectionThreshold, Tomcat removeAbandonedTimeout; Go: watch DBStats.InUse and WaitCount.',
    },
  ],
  machine: {
    now: [
      {
        text: 'See which sessions hold a transaction, since when, and who waits for their locks.',
        command:
          'sudo -u postgres psql -p {port} -c "SELECT pid, client_addr, client_port, xact_start, query, pg_blocking_pids(pid) FROM pg_stat_activity WHERE state LIKE \'idle in transaction%\' ORDER BY xact_start"',
      },
      {
        text: 'Ending the oldest session frees its locks (SELECT pg_terminate_backend(pid)). A restart of the application does so too, and destroys its stacks: save them first.',
      },
    ],
    confirm: [
      {
        text: 'Join client_port with the sockets of the application on {client}: the process is known there.',
        command: "sudo ss -tanpo 'dport = :{port}'",
      },
    ],
  },
} as const satisfies CauseMessages
