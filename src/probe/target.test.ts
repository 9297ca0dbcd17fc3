import { expect, test } from 'vitest'
import { TcpwhyError } from '../base/errors.ts'
import { requestOctets } from './load/request.ts'
import { parseTarget } from './target.ts'

test.each([
  ['10.0.0.9:80', { name: '10.0.0.9:80', host: '10.0.0.9', port: 80, scheme: 'tcp', path: '/' }],
  ['vip=10.0.0.9:80', { name: 'vip', host: '10.0.0.9', port: 80 }],
  ['[2001:db8::1]:443', { name: '[2001:db8::1]:443', host: '2001:db8::1', port: 443 }],
  ['http://web/a?b=c', { name: 'web:80', host: 'web', port: 80, scheme: 'http', path: '/a?b=c' }],
  ['https://[::1]:8443/', { name: '[::1]:8443', host: '::1', port: 8443, scheme: 'https' }],
  ['a=http://web:81', { name: 'a', host: 'web', port: 81, path: '/' }],
])('%s', (text, target) => {
  expect(parseTarget(text)).toMatchObject(target)
})

test('a link-local address needs its interface', () => {
  expect(() => parseTarget('[fe80::1]:80')).toThrow(/which one is meant is not said/)
  expect(() => parseTarget('http://[FE80::1]/')).toThrow(/which one is meant/)
  expect(parseTarget('[fe80::1%eth0]:80')).toMatchObject({ host: 'fe80::1%eth0', port: 80 })
  expect(parseTarget('[fe80:1::1%eth0]:80')).toMatchObject({ port: 80 })
  expect(parseTarget('[fec0::1]:80')).toMatchObject({ host: 'fec0::1' })
  expect(parseTarget('fe80.example:80')).toMatchObject({ host: 'fe80.example' })
})

test('the interface stays here: servers are told the address', () => {
  const octets = requestOctets(parseTarget('[fe80::1%eth0]:81'), { method: 'GET', keepAlive: true })
  expect(new TextDecoder().decode(octets)).toContain('\r\nHost: [fe80::1]:81\r\n')
})

test.each([
  '',
  'web',
  'web:0',
  'web:65536',
  ':80',
  'http://',
  'ftp://web/',
  'http://u:p@web/',
  '::1',
])('%j is no target', (text) => {
  expect(() => parseTarget(text)).toThrow(TcpwhyError)
})
