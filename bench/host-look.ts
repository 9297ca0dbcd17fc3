// The second of two looks at the own network namespace, as `tcpwhy diagnose` takes them; JSON of what it cost. Built and run by bench/host.ts.
import { nodeHost } from '../src/app/node-host.ts'
import { snapshot } from '../src/host/snapshot.ts'

const facts = process.argv[2] === 'facts'
const host = nodeHost()
const namespace = ({ self }: { self: boolean }) => self
/** The look before it, which is kept for deltas. */
const first = snapshot(host, { namespace, owners: 'none', brief: true })
const before = performance.now()
const seen = snapshot(host, {
  namespace,
  ...(facts ? { owners: 'none' as const } : {}),
})
const [own] = seen.namespaces
console.log(
  JSON.stringify({
    ms: performance.now() - before,
    rssMb: process.resourceUsage().maxRSS / 1024,
    source: own?.source,
    sockets: own?.sockets.length,
    before: first.namespaces[0]?.sockets.length,
    owned: seen.owners.size,
    processes: seen.processes.length,
  }),
)
