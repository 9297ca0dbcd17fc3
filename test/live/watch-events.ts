// Prints its pid once it watches; when its standard input ends, prints the facts as JSON; `replayed` says whether a recording gives the same.
import { isDeepStrictEqual } from 'node:util'
import { watchKernelEvents } from '../../src/app/kernel-events.ts'
import { resetStory } from '../../src/host/reset-story.ts'
import { eventsOf } from '../../src/host/tracefs/replay.ts'

const watch = watchKernelEvents({ recordOctets: 64 << 20 })
console.log(process.pid)
for await (const _ of process.stdin);
const facts = watch.stop()
const replayed = isDeepStrictEqual(eventsOf(watch.recording()), facts)
const context = { events: facts, abortOnOverflow: null, listenOverflows: null }
const events = facts.events.map((event) =>
  event.kind === 'reset-sent' ? { ...event, ...resetStory(event, context) } : event,
)
const shown = { ...facts, events, counts: Object.fromEntries(facts.counts), replayed }
console.log(
  JSON.stringify(shown, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
)
