// An HTTP backend behind a proxy, in Node as people deploy it: backend.mjs JSON {"listen", "keepAliveMs"}
// /report sends its head at once and its lines over 1.2 s; everything else is answered when the request is read.
// How many reports are under way is said on standard output, one JSON object a line, whenever that changes.
// keepAliveMs is how long an idle connection is kept; without it Node's own 5 s. SIGTERM: what has begun is finished first.
import { createServer } from 'node:http'

const { listen, keepAliveMs } = JSON.parse(process.argv[2])
const LINES = 12
const EVERY_MS = 100
const line = `${'x'.repeat(99)}\n`

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (request.url.startsWith('/report')) report(response)
    else response.end('ok\n')
  })
})

let reports = 0

function underWay(by) {
  reports += by
  process.stdout.write(`${JSON.stringify({ reports })}\n`)
}

function report(response) {
  underWay(1)
  response.writeHead(200, { 'Content-Length': LINES * line.length })
  let sent = 0
  const timer = setInterval(() => {
    response.write(line)
    if (++sent < LINES) return
    clearInterval(timer)
    response.end()
  }, EVERY_MS)
  response.on('close', () => {
    clearInterval(timer)
    underWay(-1)
  })
}

if (keepAliveMs !== undefined) server.keepAliveTimeout = keepAliveMs
process.on('SIGTERM', () => server.close(() => process.exit(0)))
server.listen(listen, '0.0.0.0')
