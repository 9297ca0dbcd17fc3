import { describe, expect, test } from 'vitest'
import { exchange, starts, told } from '../../test/helpers/conversation.ts'
import { annotate, Replay } from './replay.ts'

const clean = `${exchange}
  60 C > S [F.] seq 101 ack 201
  70 S > C [F.] seq 201 ack 102
  80 C > S [.]  seq 102 ack 202`
/** The ports are used again, and again: rows and tombs are written. */
const again = Array.from({ length: 3 }, (_, i) =>
  clean.replace(/^ *(\d+) /gm, (_whole, ms: string) => `${Number(ms) + i * 100_000} `),
).join('\n')
const resent = `${exchange}
  60  C > S [P.] seq 101 ack 201 len 50
  400 C > S [P.] seq 101 ack 201 len 50
  410 S > C [R]  seq 201`

describe.each(starts)('segments read again, $name', (start) => {
  test('one connection after another in the same memory are what each is alone', () => {
    const replay = new Replay()
    for (const text of [again, resent, clean, resent, again]) {
      expect(replay.annotate(told(text, start))).toEqual(annotate(told(text, start)))
    }
  })

  test('what is odd about them is told', () => {
    const notes = new Replay().annotate(told(resent, start)).map((s) => s?.note)
    expect(notes).toContain('retransmission-rto')
  })
})
