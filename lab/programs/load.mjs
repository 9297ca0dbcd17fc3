// load.mjs JSON: many clients at once, each request on a new connection (or a kept one), every failure named by its TCP cause.
// {"host","port","path","timeoutMs","bursts":[{"atMs","count"}] | "rate","forMs","sources":["10..."],"slowMs"}
// Prints one JSON line each half second ({"at","answered",...}), the last one with "done": true.
import { request } from 'node:http'

const plan = JSON.parse(process.argv[2])
const { host, port, path = '/', timeoutMs = 1000, slowMs = 500 } = plan
const counts = {
  sent: 0,
  answered: 0,
  slow: 0,
  refused: 0,
  resetBeforeAnswer: 0,
  timeoutConnect: 0,
  timeoutAnswer: 0,
  eof: 0,
  httpError: 0,
  other: 0,
}
const latencies = []
let open = 0
const begin = performance.now()

function one(n) {
  const start = performance.now()
  let connected = false
  let over = false
  counts.sent++
  open++
  const end = (kind) => {
    if (over) return
    over = true
    open--
    clearTimeout(patience)
    counts[kind]++
    const took = performance.now() - start
    if (kind === 'answered') {
      latencies.push(took)
      if (took > slowMs) counts.slow++
    }
    asked.destroy()
  }
  const sources = plan.sources
  const asked = request({
    host,
    port,
    path,
    agent: false,
    ...(sources ? { localAddress: sources[n % sources.length] } : {}),
  })
  const patience = setTimeout(() => end(connected ? 'timeoutAnswer' : 'timeoutConnect'), timeoutMs)
  asked.on('socket', (socket) =>
    socket.on('connect', () => {
      connected = true
    }),
  )
  asked.on('response', (response) => {
    response.resume()
    response.on('end', () => end(response.statusCode >= 500 ? 'httpError' : 'answered'))
    response.on('error', (error) => end(kindOf(error)))
  })
  asked.on('error', (error) => end(kindOf(error)))
  asked.end()
}

// Node calls both a FIN and a RST before the answer ECONNRESET; only the RST comes from a system call.
function kindOf(error) {
  if (error.code === 'ECONNREFUSED') return 'refused'
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    return error.syscall ? 'resetBeforeAnswer' : 'eof'
  return error.code === 'ETIMEDOUT' ? 'timeoutConnect' : 'other'
}

function say(more = {}) {
  const sorted = [...latencies].sort((a, b) => a - b)
  const at = (q) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0)
  const line = {
    at: Math.round(performance.now() - begin),
    ...counts,
    open,
    p50: at(0.5),
    p95: at(0.95),
    max: at(1),
    ...more,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const ticking = setInterval(say, 500)
let n = 0
if (plan.bursts) {
  for (const { atMs, count } of plan.bursts) {
    await until(atMs)
    for (let i = 0; i < count; i++) {
      one(n++)
      if (i % 50 === 49) await new Promise(setImmediate)
    }
  }
} else {
  const total = Math.floor((plan.rate * plan.forMs) / 1000)
  while (n < total) {
    const due = Math.min(total, Math.floor(((performance.now() - begin) * plan.rate) / 1000) + 1)
    while (n < due) one(n++)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
say({ allSent: true })
while (open > 0) await new Promise((resolve) => setTimeout(resolve, 20))
clearInterval(ticking)
say({ done: true })

function until(atMs) {
  return new Promise((resolve) =>
    setTimeout(resolve, Math.max(0, begin + atMs - performance.now())),
  )
}
