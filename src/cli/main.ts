import { processIo } from './io.ts'
import { run } from './run.ts'

const app = {
  analyze: async () => (await import('../app/analyze.ts')).analyzeCaptures,
  probe: async () => import('../app/probe/index.ts'),
  capture: async () => (await import('../app/capture/capture.ts')).capture,
  lab: () => import('../app/lab.ts'),
  labScore: async () => (await import('../app/lab-score.ts')).scoreLab,
  diagnose: async () => (await import('../app/diagnose-host.ts')).diagnoseHost,
  snapshot: async () => (await import('../app/bundle/snapshot.ts')).takeSnapshot,
  queue: async () => (await import('../app/queue.ts')).queueSizes,
}

/** What `bin/tcpwhy.js` starts. The only place that sets the exit code. No top-level await: it is built as a script. */
run(process.argv.slice(2), processIo(), app).then((exitCode) => {
  process.exitCode = exitCode
})
