import { processIo } from './io.ts'
import { run } from './run.ts'

/** What `bin/tcpwhy.js` starts. The only place that sets the exit code. */
process.exitCode = await run(process.argv.slice(2), processIo(), {
  analyze: async () => (await import('../app/analyze.ts')).analyzeCaptures,
})
