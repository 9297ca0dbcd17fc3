import { describe, expect, test } from 'vitest'
import { type PayloadSegment, readConversation } from './conversation.ts'

const said = (text: string, from: PayloadSegment['from'] = 'server'): PayloadSegment => ({
  from,
  frame: 4,
  seq: 1,
  bytes: Uint8Array.from(text, (c) => c.charCodeAt(0)),
  cut: false,
})

describe('words that refuse a connection for a limit', () => {
  test.each([
    ['Redis', '-ERR max number of clients reached\r\n', 'maxclients'],
    ['memcached', 'ERROR Too many open connections\r\n', 'maxconns (-c)'],
    ['sshd', 'Exceeded MaxStartups\r\n', 'MaxStartups'],
    [
      'Postfix',
      '421 4.7.0 mail.example Error: too many connections from 192.0.2.1\r\n',
      'smtpd_client_connection_count_limit',
    ],
  ])('%s', (_, text, setting) => {
    expect(readConversation([said(text)]).refusal).toMatchObject({ setting, frame: 4 })
  })

  test('nothing behind the words is repeated', () => {
    const { refusal } = readConversation([said('Exceeded MaxStartups for s3cret\r\n')])
    expect(refusal?.text).toBe('Exceeded MaxStartups')
  })

  test.each([
    ['a greeting', [said('SSH-2.0-OpenSSH_9.2p1\r\n')]],
    ['the client says them', [said('Exceeded MaxStartups\r\n', 'client')]],
    ['in the middle of something', [said('note: Exceeded MaxStartups\r\n')]],
  ])('near miss: %s', (_, segments) => {
    expect(readConversation(segments).refusal).toBeUndefined()
  })
})
