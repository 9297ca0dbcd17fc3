import type { Ns } from '../base/time.ts'
import type { Packet } from '../packet/packet.ts'

/** FINs of one endpoint this close together are one event, each after this long without payload, ... */
const TOGETHER_NS = 50e6
const QUIET_NS = 20e6
/** ... or in the middle of a connection as old as this: right after its own data a server ends an answer, or dies in one. */
const MIDDLE_NS = 200e6
const TOGETHER = 3
const RECENT = 16
const HABITS_MAX = 4096
/** Bursts after data that are told of one endpoint: where they come again and again they are its habit. */
const BURSTS_MAX = 64

/** A connection that its server closes first. Times in ns. */
export interface ServerFin {
  row: number
  id: number
  /** Of the endpoint. */
  key: number
  t: number
  startT: number
  lastDataT: number
  /** The last payload was the server's, or comes with the FIN. */
  afterOwnData: boolean
}

/** How often an endpoint closes right after its own data. */
interface Habit {
  fromT: number
  count: number
  bursts: number
}

/** Several connections that one server closes at once, not each at the end of an answer: a process ended, or a listener went. */
export class FinBursts {
  private readonly recent: ServerFin[] = []
  private readonly habits = new Map<number, Habit>()

  /** @returns the connections that this FIN makes a burst, itself among them; empty when it is ordinary */
  note(fin: ServerFin): readonly ServerFin[] {
    const { key, t } = fin
    const answered = isAnswer(fin.afterOwnData, t - fin.lastDataT)
    const habit = answered ? this.habitOf(key, t) : null
    if (answered && isYoung(t - fin.startT)) return []
    this.recent.push(fin)
    if (this.recent.length > RECENT) this.recent.shift()
    const together = this.recent.filter((r) => r.key === key && t - r.t < TOGETHER_NS)
    if (together.length < TOGETHER) return []
    return answered && !isUnusual(habit, together.length, t) ? [] : together
  }

  /** This endpoint closed so often right after its answers, each time young, without being noted here. */
  noteAnswers(key: number, count: number): void {
    const habit = this.habits.get(key)
    if (habit !== undefined) habit.count += count
  }

  hasHabit(key: number): boolean {
    return this.habits.has(key)
  }

  private habitOf(key: number, t: number): Habit | null {
    const known = this.habits.get(key)
    if (known !== undefined) {
      known.count++
      return known
    }
    if (this.habits.size >= HABITS_MAX) return null
    const habit = { fromT: t, count: 1, bursts: 0 }
    this.habits.set(key, habit)
    return habit
  }
}

/** The FIN came with the server's own data, or soon after it. */
export function isAnswer(afterOwnData: boolean, sinceData: Ns): boolean {
  return afterOwnData && sinceData <= QUIET_NS
}

export function isYoung(age: Ns): boolean {
  return age < MIDDLE_NS
}

/** Of the endpoint that sends. */
export function finKey(p: Packet): number {
  return p.src ^ Math.imul(p.srcPort, 0x9e3779b1)
}

/** Several times as many together as this endpoint's usual rate would bring. */
function isUnusual(habit: Habit | null, together: number, t: number): boolean {
  if (habit === null || habit.bursts >= BURSTS_MAX) return false
  const before = Math.max(0, habit.count - together)
  const expected = (before * TOGETHER_NS) / Math.max(TOGETHER_NS, t - habit.fromT)
  if (together < 3 * expected) return false
  habit.bursts++
  return true
}
