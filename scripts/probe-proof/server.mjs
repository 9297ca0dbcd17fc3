// A small server: node server.mjs PORT [fin|reset MS]. Answers every GET, ignores everything else, and closes (FIN) or resets connections
// on which it read nothing for MS.
import { createServer } from 'node:net'

const [port, how, limit] = process.argv.slice(2)

createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
  socket.on('error', () => {})
  const end = () => (how === 'reset' ? socket.resetAndDestroy() : socket.end())
  const again = () => setTimeout(end, Number(limit))
  let timer = how === undefined ? undefined : again()
  socket.on('data', (octets) => {
    if (octets.includes('GET ')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    if (timer === undefined) return
    clearTimeout(timer)
    timer = again()
  })
  socket.on('close', () => clearTimeout(timer))
}).listen(Number(port), '0.0.0.0', 4096)
