import { expect, test } from 'vitest'
import { portFilter } from './filter.ts'

/** What net/ipv4/inet_diag.c inet_diag_bc_run does with it, and the checks of inet_diag_bc_audit. */
function accepts(program: Uint8Array, sport: number, dport: number): boolean {
  const view = new DataView(program.buffer)
  let at = 0
  let length = program.length
  while (length > 0) {
    const [code, yes, no] = [view.getUint8(at), view.getUint8(at + 1), view.getUint16(at + 2, true)]
    expect([yes % 4, no % 4]).toEqual([0, 0])
    expect(Math.max(yes, no)).toBeLessThanOrEqual(length + 4)
    const port = length > 4 ? view.getUint16(at + 6, true) : 0
    const holds = [false, false, sport >= port, sport <= port, dport >= port, dport <= port][code]!
    const step = holds ? yes : no
    at += step
    length -= step
  }
  return length === 0
}

test.each([[[80]], [[80, 443]], [[0, 65535, 8080]]])('%j: of either side', (ports) => {
  const program = portFilter(ports, true)!
  for (const port of ports) {
    expect(accepts(program, port, 1234)).toBe(true)
    expect(accepts(program, 1234, port)).toBe(true)
    for (const near of [port - 1, port + 1].filter((one) => !ports.includes(one))) {
      expect(accepts(program, near, near)).toBe(false)
    }
  }
})

test('nothing to filter, or too much', () => {
  expect(portFilter([], true)).toBeNull()
  expect(portFilter(Array(600).fill(1), true)).toBeNull()
})
