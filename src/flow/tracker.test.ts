import { describe, expect, test } from 'vitest'
import { exchange, flowsOf, starts, type Told, told } from '../../test/helpers/conversation.ts'
import type { ConnectionFacts } from './facts.ts'

/** As many open connections as there are full rows for at their SYN; the next SYN waits as an embryo. */
const FULL_ROWS = 16_384

function crowd(): Told[] {
  const [syn] = told('-1000 C > S [S] seq 0')
  return Array.from({ length: FULL_ROWS }, (_, i) => {
    const packet = Object.assign(Object.create(Object.getPrototypeOf(syn!.packet)), syn!.packet)
    packet.src = 0x0b00_0000 + i
    return { ...syn!, packet }
  })
}

/** What may differ between a connection alone and the same one behind a crowd. */
function shape({ id: _id, weight: _weight, ...facts }: ConnectionFacts) {
  return facts
}

const stories = {
  'a SYN alone': '0 C > S [S] seq 0 ws 7',
  'SYNs without an answer': '0 C > S [S] seq 0\n 1000 C > S [S] seq 0\n 3000 C > S [S] seq 0',
  'SYN and SYN-ACK': '0 C > S [S] seq 0 ws 7\n 10 S > C [S.] seq 0 ack 1 ws 9',
  'SYN-ACK again': '0 C > S [S] seq 0\n 10 S > C [S.] seq 0 ack 1\n 1010 S > C [S.] seq 0 ack 1',
  refused: '0 C > S [S] seq 0\n 1 S > C [R.] seq 0 ack 1 win 0',
  'a whole exchange': exchange,
}

describe.each(starts)(
  'half-open connections kept small are the same as full ones, $name',
  (start) => {
    const before = crowd()

    test.each(Object.entries(stories))('%s', (_, lines) => {
      const alone = flowsOf(told(lines, start)).connections
      const behind = flowsOf([...before, ...told(lines, start)]).connections.slice(FULL_ROWS)
      expect(behind).toHaveLength(1)
      // Directions seen elsewhere decide between unanswered and open; the crowd has none of them.
      expect(behind.map(shape)).toEqual(alone.map(shape))
    })
  },
)

test('a late segment of a connection that was finished long ago is no new connection', () => {
  const closed = Array.from({ length: 1200 }, (_, i) =>
    told(
      `${i}.0 C${i} > S [S]  seq 0
       ${i}.1 S > C${i} [S.] seq 0 ack 1
       ${i}.2 C${i} > S [.]  seq 1 ack 1
       ${i}.3 C${i} > S [F.] seq 1 ack 1
       ${i}.4 S > C${i} [F.] seq 1 ack 2
       ${i}.5 C${i} > S [.]  seq 2 ack 2`,
    ),
  ).flat()
  const late = told('5000 S > C0 [.] seq 2 ack 2')
  const again = told('6000 C0 > S [S] seq 99')
  expect(flowsOf([...closed, ...late]).connections).toHaveLength(1200)
  expect(flowsOf([...closed, ...late, ...again]).connections).toHaveLength(1201)
})

test('files glued together: the watch over a connection ends with its part of the capture', () => {
  const day = 86_400_000
  const { connections } = flowsOf([
    ...told(exchange),
    ...told('5050 C7 > S [S] seq 0'),
    ...told(`${30 * day} C8 > S [S] seq 0`),
  ])
  expect(connections.map((c) => c.captureEndMs)).toEqual([5050, 5050, 30 * day])
})

test('one packet with a broken time does not lengthen the watch over the others', () => {
  const far = told(`${9e9} C7 > S [S] seq 0`)
  const { connections } = flowsOf([...far, ...told(exchange)])
  expect(connections.map((c) => c.captureEndMs)).toEqual([9e9, 50])
})

test('when the clock runs back, no connection ends after the capture does', () => {
  const { connections } = flowsOf([...told(exchange), ...told('-5000 C7 > S [S] seq 0')])
  for (const { captureEndMs, lastMs } of connections) {
    expect(captureEndMs).toBeGreaterThanOrEqual(lastMs)
  }
})
