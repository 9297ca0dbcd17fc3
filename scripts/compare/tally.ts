import type { Explanation } from './explanations.ts'
import type { OwnConnection } from './own.ts'
import type { Check } from './peers.ts'

export interface Subject {
  peer: string
  file: string
  /** The peer's number of the stream. */
  stream: string
}

interface Line {
  compared: number
  agree: number
  explained: number
}

/** Counts agreement by peer and field, keeps every disagreement with the reason that docs/agreement.md gives. */
export class Tally {
  unexplained = 0
  private readonly explanations: readonly Explanation[]
  private readonly lines = new Map<string, Line>()
  private readonly disagreements: string[] = []
  private readonly streams = new Map<
    string,
    { compared: Set<string>; wrong: Set<string>; open: Set<string> }
  >()

  constructor(explanations: readonly Explanation[]) {
    this.explanations = explanations
  }

  add(subject: Subject, check: Check, own?: OwnConnection): void {
    const key = `${subject.peer}\t${check.field}`
    const line = this.lines.get(key) ?? { compared: 0, agree: 0, explained: 0 }
    this.lines.set(key, line)
    line.compared++
    const id = `${subject.file} ${subject.stream}`
    const streams = this.streams.get(subject.peer) ?? {
      compared: new Set(),
      wrong: new Set(),
      open: new Set(),
    }
    this.streams.set(subject.peer, streams)
    streams.compared.add(id)
    if (check.agrees) {
      line.agree++
      return
    }
    streams.wrong.add(id)
    const reason = this.reasonFor(subject, check, own)
    if (reason === null) {
      this.unexplained++
      streams.open.add(id)
    } else line.explained++
    this.disagreements.push(
      [
        subject.peer,
        subject.file,
        subject.stream,
        check.field,
        check.peer,
        check.ours,
        reason ?? 'NOT EXPLAINED',
      ].join('\t'),
    )
  }

  print(): string {
    const rows = [['peer', 'field', 'compared', 'agree', 'disagree', 'explained']]
    for (const [key, line] of [...this.lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [peer, field] = key.split('\t')
      const disagree = line.compared - line.agree
      rows.push([
        peer!,
        field!,
        ...[line.compared, line.agree, disagree, line.explained].map(String),
      ])
    }
    return [
      'Disagreements: peer, file, stream, field, the peer, tcpwhy, reason (docs/agreement.md)',
      ...this.disagreements.sort(),
      '',
      ...columns(rows),
      '',
      ...[...this.streams].map(([peer, { compared, wrong, open }]) => {
        const agree = compared.size - wrong.size
        const share = ((100 * (compared.size - open.size)) / compared.size).toFixed(2)
        return `${peer}: ${agree} of ${compared.size} streams agree in every field; ${share} % agree or are explained`
      }),
    ].join('\n')
  }

  private reasonFor(subject: Subject, check: Check, own: OwnConnection | undefined): string | null {
    return this.explanations.find((e) => e.covers(subject, check, own))?.reason ?? null
  }
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return rows.map((row) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  )
}
