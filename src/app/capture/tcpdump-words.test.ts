import { describe, expect, test } from 'vitest'
import { failureOf, TcpdumpWords } from './tcpdump-words.ts'

const about = { interface: 'eth9', filter: 'tcp prot 4', target: { label: 'container web' } }

describe('what tcpdump 4.99.3 says when it cannot', () => {
  test.each([
    ['CAPTURE_NO_INTERFACE', 'tcpdump: eth9: No such device exists\n(No such device exists)'],
    ['CAPTURE_NO_INTERFACE', 'tcpdump: eth9: That device is not up'],
    ['CAPTURE_BAD_FILTER', "tcpdump: can't parse filter expression: syntax error"],
    ['CAPTURE_BAD_FILTER', "tcpdump: unknown host 'web.example'"],
    [
      'CAPTURE_NOT_PERMITTED',
      "tcpdump: eth0: You don't have permission to perform this capture on that device\n(socket: Operation not permitted)",
    ],
    ['CAPTURE_FAILED', 'tcpdump: something new'],
    ['CAPTURE_FAILED', ''],
  ])('%s: %s', (code, text) => {
    const error = failureOf(text, about)
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('\n')
    expect(error.todo).not.toBe('')
  })
})

describe('its words, as they come in pieces', () => {
  test('listening, counts', () => {
    const words = new TcpdumpWords()
    words.add('tcpdump: data link type LINUX_SLL2\ntcpdump: listen')
    expect(words.isListening).toBe(false)
    words.add('ing on any, link-type LINUX_SLL2 (Linux cooked v2), snapshot length 160 bytes\n')
    expect(words.isListening).toBe(true)
    expect(words.counts.captured).toBe(null)
    words.add('12 packets captured\n14 packets received by filter\n0 packets dropped by kernel\n')
    words.add('1 packet dropped by interface\n')
    expect(words.counts).toEqual({
      captured: 12,
      received: 14,
      droppedByKernel: 0,
      droppedByInterface: 1,
    })
    expect(words.complaint).toBe('')
  })

  test('why it ended by itself', () => {
    const words = new TcpdumpWords()
    words.add(
      'tcpdump: listening on eth0, link-type EN10MB\ntcpdump: pcap_loop: The interface disappeared\n',
    )
    words.add('3 packets captured\n3 packets received by filter\n0 packets dropped by kernel\n')
    expect(words.complaint).toBe('pcap_loop: The interface disappeared')
  })

  test('no such user: another way to start is tried', () => {
    const words = new TcpdumpWords()
    words.add('setpriv: failed to parse reuid: tcpdump\n')
    expect(words.isAboutPrivileges).toBe(true)
  })

  test('endless words are not kept', () => {
    const words = new TcpdumpWords()
    for (let i = 0; i < 1000; i++) words.add('x'.repeat(1000))
    expect(words.text.length).toBeLessThanOrEqual(16_384)
  })
})
