// node .ci/count.mjs RESULTS.json EXIT-CODE: "passed failed" of a vitest run.
// A test file that could not be loaded has no failed test in it, so it counts as one; so does a bad end without any failure.
// Skipped tests are failures here: what this machine cannot run must say so and be dealt with, not pass by silence.
import { readFileSync } from 'node:fs'

const [path, exitCode] = process.argv.slice(2)
const results = JSON.parse(readFileSync(path, 'utf8'))
const unloaded = results.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'),
)
const skipped = results.numPendingTests + results.numTodoTests
const failed = results.numFailedTests + unloaded.length + skipped
for (const { name, message } of unloaded) console.error(`not loaded: ${name}: ${message}`)
if (skipped > 0) console.error(`${skipped} tests were skipped`)
const badEnd = Number(exitCode) !== 0 && failed === 0 ? 1 : 0
console.log(results.numPassedTests, failed + badEnd)
