import { expect, test } from 'vitest'
import { ownCommand } from './own-command.ts'

const FLAG = ' --yes-i-own-this'

test.each([
  ['sudo tcpwhy probe connect 203.0.113.9:443', FLAG],
  ['tcpwhy probe http http://203.0.113.9:8080/ --max 10m', FLAG],
  ['tcpwhy probe connect https://[2001:db8::1]:443/', FLAG],
  ['sudo tcpwhy probe idle vip=203.0.113.9:80', FLAG],
  ['sudo tcpwhy probe connect 10.0.0.9:443', ''],
  ['tcpwhy probe http http://[fd00::1]:80/ --max 10m', ''],
  ['tcpwhy probe connect 127.0.0.1:80', ''],
  ['tcpwhy probe backlog http://203.0.113.9:80/ --connections 200 --yes-i-own-this', ''],
  ['tcpwhy analyze --at client=client.pcap --at server=server.pcap', ''],
  ["ss -ltn 'sport = :443'; nstat 203.0.113.9:443", ''],
  ['tcpwhy probe connect web.example:443', ''],
])('%s%s', (command, more) => {
  expect(ownCommand(command)).toBe(command + more)
})
