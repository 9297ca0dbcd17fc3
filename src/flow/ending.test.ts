import { describe, expect, test } from 'vitest'
import { exchange, factsOf, handshake, starts } from '../../test/helpers/conversation.ts'

const rows = [
  {
    name: 'both FINs, both acknowledged',
    ending: 'clean',
    by: 'client',
    lines: `${exchange}
    60 C > S [F.] seq 101 ack 201
    70 S > C [F.] seq 201 ack 102
    80 C > S [.]  seq 102 ack 202`,
  },
  {
    name: 'the last ACK is not in the capture',
    ending: 'clean',
    by: 'server',
    lines: `${exchange}
    60 S > C [F.] seq 201 ack 101
    70 C > S [F.] seq 101 ack 202`,
  },
  {
    name: 'FINs crossed and neither ACK was captured',
    ending: 'clean',
    by: 'server',
    lines: `${exchange}
    60.0 S > C [F.] seq 201 ack 101
    60.1 C > S [F.] seq 101 ack 201`,
  },
  {
    name: 'one FIN acknowledged, nothing more',
    ending: 'half-closed',
    by: 'server',
    lines: `${exchange}
    30060 S > C [F.] seq 201 ack 101
    30100 C > S [.]  seq 101 ack 202`,
  },
  {
    name: 'a FIN that nobody acknowledged',
    ending: 'open',
    by: null,
    lines: `${exchange}
    60 C > S [F.] seq 101 ack 201`,
  },
  {
    name: 'RST in an established connection',
    ending: 'reset',
    by: 'server',
    lines: `${exchange}
    60 S > C [R.] seq 201 ack 101`,
  },
  {
    name: 'RST after the other side closed',
    ending: 'reset-after-fin',
    by: 'client',
    lines: `${exchange}
    60 S > C [F.] seq 201 ack 101
    70 C > S [R.] seq 101 ack 202`,
  },
  {
    name: 'RST after both FINs',
    ending: 'reset-after-close',
    by: 'server',
    lines: `${exchange}
    60 C > S [F.] seq 101 ack 201
    70 S > C [F.] seq 201 ack 102
    80 C > S [.]  seq 102 ack 202
    90 S > C [R]  seq 202 win 0`,
  },
  {
    name: 'the SYN is answered by RST',
    ending: 'refused',
    by: 'server',
    lines: `
    0 C > S [S] seq 0
    1 S > C [R.] seq 0 ack 1 win 0`,
    zero: true,
  },
  {
    name: 'RST after SYN-ACK, no payload of the server',
    ending: 'handshake-reset',
    by: 'server',
    lines: `${handshake}
    30 C > S [P.] seq 1 ack 1 len 10
    40 S > C [R]  seq 1 win 0`,
  },
  {
    name: 'the client resets its own half-open attempt',
    ending: 'handshake-reset',
    by: 'client',
    lines: `
    0  C > S [S]  seq 0
    10 S > C [S.] seq 0 ack 1
    11 C > S [R]  seq 1 win 0`,
  },
  {
    name: 'SYN and SYN-ACK and nothing more',
    ending: 'handshake-incomplete',
    by: null,
    lines: `
    0  C > S [S]  seq 0
    10 S > C [S.] seq 0 ack 1
    1010 S > C [S.] seq 0 ack 1`,
  },
  {
    name: 'SYNs and nothing back',
    ending: 'unanswered',
    by: null,
    seen: 'client-only',
    lines: `
    0    C > S [S] seq 0
    1000 C > S [S] seq 0
    3000 C > S [S] seq 0`,
  },
  {
    name: 'the same data again and again',
    ending: 'timed-out',
    by: null,
    lines: `${exchange}
    1000 C > S [P.] seq 101 ack 201 len 50
    1200 C > S [P.] seq 101 ack 201 len 50
    1600 C > S [P.] seq 101 ack 201 len 50
    2400 C > S [P.] seq 101 ack 201 len 50`,
  },
  {
    name: 'a FIN again and again',
    ending: 'timed-out',
    by: null,
    lines: `${exchange}
    1000 S > C [F.] seq 201 ack 101
    1200 S > C [F.] seq 201 ack 101
    1600 S > C [F.] seq 201 ack 101
    2400 S > C [F.] seq 201 ack 101`,
  },
  {
    name: 'answered in the end',
    ending: 'open',
    by: null,
    lines: `${exchange}
    1000 C > S [P.] seq 101 ack 201 len 50
    1200 C > S [P.] seq 101 ack 201 len 50
    1600 C > S [P.] seq 101 ack 201 len 50
    1610 S > C [.]  seq 201 ack 151`,
  },
  { name: 'traffic until the end', ending: 'open', by: null, lines: exchange },
  {
    name: 'only the server is seen: its data proves the handshake',
    ending: 'open',
    by: null,
    seen: 'server-only',
    lines: `
    0  S > C [S.] seq 0 ack 1
    30 S > C [P.] seq 1 ack 101 len 200
    40 S > C [.]  seq 201 ack 111`,
  },
  {
    name: 'only the server is seen and repeats its data',
    ending: 'timed-out',
    by: null,
    seen: 'server-only',
    lines: `
    0    S > C [S.] seq 0 ack 1
    30   S > C [P.] seq 1 ack 101 len 200
    330  S > C [P.] seq 1 ack 101 len 200
    930  S > C [P.] seq 1 ack 101 len 200
    2130 S > C [P.] seq 1 ack 101 len 200`,
  },
  {
    name: 'only the client is seen: an outage, and then it went on',
    ending: 'open',
    by: null,
    seen: 'client-only',
    lines: `
    0    C > S [S]  seq 0
    20   C > S [.]  seq 1 ack 1
    30   C > S [P.] seq 1 ack 1 len 100
    330  C > S [P.] seq 1 ack 1 len 100
    930  C > S [P.] seq 1 ack 1 len 100
    2130 C > S [P.] seq 1 ack 1 len 100
    2150 C > S [.]  seq 101 ack 201
    2160 C > S [P.] seq 101 ack 201 len 50
    2190 C > S [F.] seq 151 ack 301`,
  },
  {
    name: 'a FIN sent again and again and never acknowledged, though the client closed in the end',
    ending: 'timed-out',
    by: null,
    lines: `${exchange}
    60   S > C [F.] seq 201 ack 101
    260  S > C [F.] seq 201 ack 101
    660  S > C [F.] seq 201 ack 101
    1460 S > C [F.] seq 201 ack 101
    5000 C > S [F.] seq 101 ack 201
    5001 S > C [.]  seq 202 ack 102`,
  },
  {
    name: 'a FIN that had to be sent again and was acknowledged',
    ending: 'clean',
    by: 'server',
    lines: `${exchange}
    60   S > C [F.] seq 201 ack 101
    260  S > C [F.] seq 201 ack 101
    660  S > C [F.] seq 201 ack 101
    1460 S > C [F.] seq 201 ack 101
    1470 C > S [F.] seq 101 ack 202
    1480 S > C [.]  seq 202 ack 102`,
  },
  {
    name: 'only the client is seen: its FIN cannot be seen acknowledged',
    ending: 'open',
    by: null,
    seen: 'client-only',
    lines: `
    0  C > S [S]  seq 0
    20 C > S [.]  seq 1 ack 1
    30 C > S [P.] seq 1 ack 1 len 100
    60 C > S [F.] seq 101 ack 201`,
  },
]

describe.each(starts)('endings, $name', (start) => {
  test.each(rows)('$name: $ending', ({ ending, by, lines, seen = 'both', zero = false }) => {
    // A RST that answers a SYN carries the absolute number 0.
    const facts = factsOf(lines, zero ? { ...start, server: 0 } : start)
    expect(facts).toMatchObject({ ending, endedBy: by, seen })
  })
})

test('one side seen, its SYN not repeated: not called unanswered, because answers would not be in the capture', () => {
  expect(factsOf('0 C > S [S] seq 0').ending).toBe('open')
})
