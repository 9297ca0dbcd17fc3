import type { CauseMessages } from '../types.ts'
import { asks } from './commands.ts'

export const poolStarvation = {
  title: 'requests to {server} wait for a pooled connection',
  because: {},
  now: [
    {
      text: 'Keep stacks, pool statistics and sockets before a restart.',
      command: "ss -tanpoi '( sport = :{port} )'",
    },
  ],
  experiment: {
    ...asks,
    supports:
      'requests are taken and not answered in time, while a path of the server that needs no pool is answered at once',
    refutes: 'all are answered in time',
  },
  confirm: [
    {
      text: "In use = maximum and waiters grow (Go DBStats.WaitCount, HikariCP pending); stacks wait in the pool's acquire.",
      command:
        "curl -s 'http://localhost:6060/debug/pprof/goroutine?debug=2'; jstack PID; py-spy dump --pid PID",
    },
  ],
  fix: [
    {
      text: 'Bound the pool near what the database can do, bound the wait for it (acquire timeout), bound concurrent requests, pass the request context to queries so that work ends when the client leaves.',
    },
  ],
} as const satisfies CauseMessages
