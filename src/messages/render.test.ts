import { describe, expect, test } from 'vitest'
import { singular } from './en/diagnose.ts'
import { render } from './render.ts'

describe('render', () => {
  test('a choice takes its first form when the number is 1', () => {
    const template = '{n:count} requests {n?was|were} answered'
    expect(render(template, { n: 1 })).toBe('1 requests was answered')
    expect(render(template, { n: 1200 })).toBe('1,200 requests were answered')
  })

  test('the forms of a choice have placeholders of their own, and may be empty', () => {
    const template = 'sent {n?once|{n:count} times in {within:ms}}{named? to {who}|}'
    expect(render(template, { n: 1, within: 5, named: 0, who: 'x' })).toBe('sent once')
    expect(render(template, { n: 3, within: 1500, named: 1, who: 'x' })).toBe(
      'sent 3 times in 1.5 s to x',
    )
  })

  test('a choice whose number is missing shows, as a placeholder does', () => {
    expect(render('{n?was|were}', {})).toBe('{n?was|were}')
  })

  test('a question mark outside braces is text', () => {
    expect(render('why? {n}', { n: 2 })).toBe('why? 2')
  })
})

test.each([
  ['1 TLS handshakes with x', '1 TLS handshake with x'],
  ['took 1 requests and', 'took 1 request and'],
  ['1 other open connections were served', '1 other open connection was served'],
  ['1 time-outs, 1 closes', '1 time-out, 1 close'],
  ['21 requests, 1,001 requests, 0.1 requests', '21 requests, 1,001 requests, 0.1 requests'],
])('%s -> %s', (many, one) => {
  expect(singular(many)).toBe(one)
})
