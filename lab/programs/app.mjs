// The application under test in Node: app.mjs JSON {"story","listen","host","port","max","slow","fixed"}
// pool: every request asks the database something slow. transaction: /update?id=N&map=nil returns early, without ROLLBACK.
// Prints the pool's state twice a second, one JSON object a line.
import { createServer } from 'node:http'
import { Pool } from './mysql.mjs'

const { story, listen, host, port, max, slow, fixed } = JSON.parse(process.argv[2])
const pool = new Pool({
  host,
  port,
  user: 'app',
  database: 'shop',
  max,
  ...(fixed ? { acquireMs: 800 } : {}),
})
let busy = 0

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://app')
  try {
    if (url.pathname === '/query') await query(response)
    else if (url.pathname === '/update') await update(url.searchParams, response)
    else response.end('ok\n')
  } catch (error) {
    response.statusCode = 503
    response.end(`${error.message}\n`)
  }
})

async function query(response) {
  if (fixed && busy >= 100) throw new Error('busy')
  busy++
  try {
    const connection = await pool.acquire()
    try {
      await connection.query(slow)
    } finally {
      pool.release(connection)
    }
    response.end('done\n')
  } finally {
    busy--
  }
}

async function update(parameters, response) {
  const id = Number(parameters.get('id'))
  const connection = await pool.acquire()
  // Others of the pool must not be ended by this one; whoever leaks it never looks at its socket again.
  await connection.query('BEGIN')
  if (!fixed && parameters.get('map') === 'nil') {
    await connection.query(`UPDATE orders SET state='paid' WHERE id=${id}`)
    connection.socket.pause()
    response.end('nothing to do\n') // the early return of the incident: neither COMMIT, ROLLBACK nor release
    return
  }
  try {
    await connection.query(`UPDATE orders SET state='paid' WHERE id=${id}`)
    await connection.query(parameters.get('map') === 'nil' ? 'ROLLBACK' : 'COMMIT')
  } finally {
    pool.release(connection)
  }
  response.end('paid\n')
}

server.keepAliveTimeout = 1000
server.listen(listen, '0.0.0.0')
setInterval(() => {
  const { open, idle, waiting } = pool
  process.stdout.write(
    `${JSON.stringify({ max, open, inUse: open - idle.length, idle: idle.length, waiting })}\n`,
  )
}, 500)
if (story !== 'pool' && story !== 'transaction') throw new Error(`no story ${story}`)
