// One look at the own network namespace, as `tcpwhy diagnose` takes it; JSON of what it cost. Built and run by bench/host.ts.
import { nodeHost } from '../src/app/node-host.ts'
import { snapshot } from '../src/host/snapshot.ts'

const facts = process.argv[2] === 'facts'
const before = performance.now()
const seen = snapshot(nodeHost(), {
  namespace: ({ self }) => self,
  ...(facts ? { owners: 'none' as const } : {}),
})
const [own] = seen.namespaces
console.log(
  JSON.stringify({
    ms: performance.now() - before,
    rssMb: process.resourceUsage().maxRSS / 1024,
    source: own?.source,
    sockets: own?.sockets.length,
    owned: seen.owners.size,
    processes: seen.processes.length,
  }),
)
