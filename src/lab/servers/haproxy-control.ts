import { connect } from 'node:net'
import type { Stage } from '../stage/stage.ts'
import { failed } from '../stage/wait.ts'

/** HAProxy's Runtime API, as a deploy script uses it: `set server BACKEND/SERVER state drain`. */
export interface HaproxyControl {
  /** Of its socket; a Unix socket is reached from every network namespace. */
  path: string
  /** @throws TcpwhyError LAB_FAILED when HAProxy objects: it answers an order that it obeys with an empty line */
  tell(order: string): Promise<void>
}

export function haproxyControl(stage: Stage): HaproxyControl {
  const path = stage.path('haproxy.sock')
  return { path, tell: (order) => tell(path, order) }
}

function tell(path: string, order: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let said = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      said += text
    })
    socket.on('error', (cause) => reject(failed(`haproxy: ${cause.message}`, cause)))
    socket.on('end', () => {
      if (said.trim() === '') resolve()
      else reject(failed(`haproxy: ${order}: ${said.trim()}`))
    })
    socket.write(`${order}\n`)
  })
}
