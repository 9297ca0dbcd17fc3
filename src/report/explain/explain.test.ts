import { describe, expect, test } from 'vitest'
import { catalog, catalogIds } from './catalog.ts'
import { type Explanation, explain } from './explain.ts'
import { catalogText, explainText } from './explain-text.ts'
import { states } from './states.ts'

const ALL_VERBS = ['analyze', 'diagnose', 'explain'] as const

describe('what a query is', () => {
  test.each([
    ['port-closed', 'port-closed'],
    ['PORT_CLOSED', 'port-closed'],
    [' accept queue overflow ', 'accept-queue-overflow'],
  ])('cause: "%s"', (query, id) => {
    expect(explain(query)).toMatchObject({ kind: 'cause', id })
  })

  test.each([
    ['syn-dropped', 'accept-queue-overflow'],
    ['accept-queue-overflow/ack-dropped', 'accept-queue-overflow'],
    ['unread-response', 'close-with-unread-data'],
  ])('variant: "%s"', (query, id) => {
    expect(explain(query)).toMatchObject({ kind: 'cause', id, variant: query.split('/').at(-1) })
  })

  test.each([
    ['CLOSE-WAIT', 'CLOSE-WAIT'],
    ['close_wait', 'CLOSE-WAIT'],
    ['TCP_CLOSE_WAIT', 'CLOSE-WAIT'],
    ['ESTAB', 'ESTABLISHED'],
    ['time wait', 'TIME-WAIT'],
    ['FIN_WAIT1', 'FIN-WAIT-1'],
    ['fin-wait-2', 'FIN-WAIT-2'],
    ['SYN-RECV', 'SYN-RECEIVED'],
    ['syn_rcvd', 'SYN-RECEIVED'],
    ['UNCONN', 'CLOSED'],
    ['listen', 'LISTEN'],
  ])('state: "%s"', (query, name) => {
    expect(explain(query)).toMatchObject({ kind: 'state', state: { name } })
  })

  test('the eleven states of RFC 9293 §3.3.2 are all there', () => {
    expect(states).toHaveLength(11)
    for (const { name } of states) expect(explain(name)).toMatchObject({ kind: 'state' })
  })

  test('error: readings best first, addresses in the commands', () => {
    const found = explain('read tcp 10.0.0.1:53212->10.0.0.2:80: read: connection reset by peer', {
      verbs: ALL_VERBS,
    })
    if (found.kind !== 'error') throw new Error(`kind is ${found.kind}`)
    expect(found.readings.map((r) => r.id)).toEqual(['go-read-reset'])
    const commands = found.next.map((n) => n.command)
    expect(commands).toContain('tcpwhy analyze why.pcap --between 10.0.0.1 10.0.0.2 --port 80')
    expect(commands).toContain('sudo tcpwhy diagnose --port 80')
  })

  test('IPv6 addresses go without brackets, so the shell leaves them alone', () => {
    const found = explain('read tcp [2001:db8::1]:5->[2001:db8::2]:443: i/o timeout')
    const commands = found.kind === 'error' ? found.next.map((n) => n.command) : []
    expect(commands).toContain(
      'tcpwhy analyze why.pcap --between 2001:db8::1 2001:db8::2 --port 443',
    )
    expect(commands.join('\n')).toContain("'host 2001:db8::1 and host 2001:db8::2 and tcp'")
  })

  test('no step names a verb that this version lacks', () => {
    const { kind, ...rest } = explain('ECONNRESET')
    expect(kind).toBe('error')
    expect(JSON.stringify(rest)).not.toContain('tcpwhy watch')
  })

  test('node: socket hang up is a FIN although its code is ECONNRESET', () => {
    const found = explain("Error: socket hang up { code: 'ECONNRESET' }")
    expect(found).toMatchObject({ kind: 'error', readings: [{ wire: 'fin' }] })
  })

  test.each([
    ['accept-que-overflow', 'accept-queue-overflow'],
    ['port closd', 'port-closed'],
    ['idle timeout', 'server-idle-timeout'],
    ['keepalive', 'keepalive-timeout'],
    ['conntrack', 'conntrack-table-full'],
    ['gc', 'gc-coupled-close'],
    ['accept-que', 'accept-queue-overflow'],
  ])('did you mean: "%s"', (query, id) => {
    const found = explain(query)
    if (found.kind !== 'unknown') throw new Error(`kind is ${found.kind}`)
    expect(found.nearest.map((n) => n.id)).toContain(id)
  })

  test('did you mean a state', () => {
    expect(explain('CLOSE-WAITT')).toMatchObject({ kind: 'unknown', states: ['CLOSE-WAIT'] })
  })

  test.each(['', 'zzzzqqqq', '🦀'])('unknown: "%s" has nothing near', (query) => {
    expect(explain(query)).toMatchObject({ kind: 'unknown', nearest: [], states: [] })
  })
})

describe('terminal text', () => {
  const page =
    '# port-closed: nothing listens\n\n## Seen\n\n- one `ss -ltnp` *only*\n  goes on here\n\n**Now.** Do\nit.\n'

  test('first line of an error is what was on the wire', () => {
    const text = explainText(explain('EPIPE'), { width: 80 })
    expect(text.split('\n')[0]).toBe('The peer had closed (FIN) before this side wrote (errno 32)')
  })

  test('a page loses its marks and keeps its words', () => {
    const text = explainText(explain('port-closed'), { width: 100, page })
    expect(text).toBe(
      'port-closed: nothing listens\n\nSeen\n\n- one `ss -ltnp` only goes on here\n\nNow. Do it.\n',
    )
  })

  test('a cause without its page still has its title, and says what is missing', () => {
    const text = explainText(explain('port-closed'), { width: 100 })
    expect(text).toBe(
      `port-closed: ${catalog['port-closed'].title}\n(Its page, docs/causes/port-closed.md, is not in this installation.)\n`,
    )
  })

  test('a variant says so under the title', () => {
    expect(explainText(explain('syn-dropped'), { width: 100 })).toContain(
      'syn-dropped is a variant',
    )
  })

  test.each([60, 80, 100, 300])('the width %d is kept (at most 100)', (width) => {
    const queries = ['CLOSE-WAIT', 'ECONNRESET', 'accept-que', `${'y'.repeat(5000)}`]
    for (const query of queries) {
      for (const line of explainText(explain(query), { width }).split('\n')) {
        expect(line.length).toBeLessThanOrEqual(Math.min(width, 100))
      }
    }
  })

  test('control characters of a pasted line are shown, not sent to the terminal', () => {
    const control = String.fromCodePoint(27)
    for (const query of [`${control}[31m ECONNRESET`, `${control}]0;x no such thing`]) {
      const text = explainText(explain(query), { width: 100 })
      expect(text).not.toContain(control)
      expect(text).toContain('\\x1b')
    }
  })

  test('the list names every cause once', () => {
    const text = catalogText({ width: 100 })
    for (const id of catalogIds)
      expect(text.split('\n').filter((l) => l.startsWith(`  ${id} `))).toHaveLength(1)
  })

  test('every kind renders', () => {
    const kinds: Explanation['kind'][] = ['port-closed', 'LISTEN', 'EPIPE', 'nothing'].map(
      (query) => explain(query).kind,
    )
    expect(kinds).toEqual(['cause', 'state', 'error', 'unknown'])
  })
})
