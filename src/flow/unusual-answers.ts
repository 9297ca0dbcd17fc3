import type { Ended } from './ending.ts'
import * as L from './layout.ts'
import type { Rows } from './rows.ts'

/** A length that so many of the server's answers had before its witnesses were enough is a usual one. */
const USUAL = 4
/** Of each unusual length so many are kept, of all together so many. */
const KEPT_OF_CLASS = 32
const KEPT_MAX = 1024
/** Answers are short (isShortExchange), so a server has about two thousand lengths; a flood of servers ends here. */
const CLASSES_MAX = 65_536

interface AnswerClass {
  /** Before there were enough witnesses of its server, and since. */
  before: number
  rows: number[]
  ended: Ended[]
  seen: number
}

/**
 * Short answers that differ from what a server used to say, met when its witnesses are enough already: "Too many connections"
 * behind thousands of greetings, a 503 behind as many 200s. They are told by the length of the answer, by whether the client had
 * asked, and by who closed first. What looks like one of the usual ones is not kept: the first 512 of them are.
 */
export class UnusualAnswers {
  private readonly classes = new Map<string, AnswerClass>()
  private kept = 0

  /**
   * A clean, short exchange has ended; its row is open.
   * @param enough whether its server has enough witnesses
   * @returns what to do with it: 'usual' = no more than before
   */
  meet(row: number, rows: Rows, ended: Ended, enough: boolean): 'usual' | 'keep' | 'count' {
    const key = classOf(rows, ended)
    let own = this.classes.get(key)
    if (own === undefined) {
      if (this.classes.size >= CLASSES_MAX) return 'usual'
      own = { before: 0, rows: [], ended: [], seen: 0 }
      this.classes.set(key, own)
    }
    if (!enough) own.before++
    if (!enough || own.before >= USUAL) return 'usual'
    own.seen++
    if (own.rows.length >= KEPT_OF_CLASS || this.kept >= KEPT_MAX) {
      return own.rows.length > 0 ? 'count' : 'usual'
    }
    this.kept++
    own.rows.push(row)
    own.ended.push(ended)
    return 'keep'
  }

  get any(): boolean {
    return this.kept > 0
  }

  /** There is room for more: worth looking closely. */
  get hasRoom(): boolean {
    return this.kept < KEPT_MAX
  }

  /** Of each class those that were kept, and for how many they stand. */
  *groups(): Iterable<{ rows: number[]; ended: Ended[]; seen: number }> {
    for (const { rows, ended, seen } of this.classes.values()) {
      if (rows.length > 0) yield { rows, ended, seen }
    }
  }
}

function classOf({ ints, floats, at }: Rows, { by }: Ended): string {
  const server = ints[at + L.R_SERVER]
  const port = ints[at + L.R_PORTS]! & 0xffff
  const answer = floats[(at + L.SERVER_SIDE + L.S_OCTETS) >> 1]
  const asked = floats[(at + L.CLIENT_SIDE + L.S_OCTETS) >> 1]! > 0
  return `${server} ${port} ${answer} ${asked} ${by}`
}
