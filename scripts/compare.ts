// Is tcpwhy right? Holds it against tshark, Zeek, Arkime, tcptrace and the labelled connections of ../shared/captures.
//   npm run compare [-- --captures DIR] [--only TEXT]
// Exit 1 when a disagreement is not explained in docs/agreement.md, 2 when the captures are not there.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readExplanations } from './compare/explanations.ts'
import { type OwnConnection, ownConnections, pairKey } from './compare/own.ts'
import * as peers from './compare/peers.ts'
import * as tables from './compare/tables.ts'
import { Tally } from './compare/tally.ts'
import { comparePrints, compareTexts } from './compare/texts.ts'

const folder = resolve(option('--captures') ?? join(import.meta.dirname, '../../shared/captures'))
const only = option('--only')
if (!existsSync(join(folder, 'manifest.jsonl'))) {
  console.error(`The captures to compare with are not there: ${folder} has no manifest.jsonl.`)
  console.error('Name their folder: npm run compare -- --captures DIR')
  process.exit(2)
}

const tally = new Tally(readExplanations(join(import.meta.dirname, '../docs/agreement.md')))
const allLabels = tables.labels(folder)
const captures = tables
  .manifest(folder)
  .filter(({ path }) => only === undefined || path.includes(only))
for (const capture of captures) {
  const own = await ownConnections(capture.path)
  compareTshark(capture.name, own)
  compareZeek(capture.name, own)
  compareArkime(capture.name, own)
  compareTcptrace(capture.name, own)
}
if (only === undefined) {
  await compareTexts(folder, tally)
  await comparePrints(tally)
}
console.log(tally.print())
process.exitCode = tally.unexplained > 0 ? 1 : 0

function compareTshark(name: string, own: readonly OwnConnection[]): void {
  const rows = tables.tsharkRows(folder, name)
  const paired = peers.pairTshark(rows, own)
  const matched = new Set<OwnConnection>()
  for (const [i, row] of rows.entries()) {
    const subject = { peer: 'tshark', file: name, stream: row['stream'] ?? '' }
    const connection = paired[i] ?? null
    tally.add(subject, streamCheck(connection))
    if (connection === null) continue
    matched.add(connection)
    for (const check of peers.tsharkChecks(row, connection)) tally.add(subject, check, connection)
    for (const label of allLabels) {
      if (label.file !== name || String(label.stream) !== row['stream']) continue
      const check = peers.labelCheck(label, row, connection.facts)
      tally.add({ ...subject, peer: 'labels' }, check, connection)
    }
  }
  for (const connection of own) {
    if (matched.has(connection)) continue
    const { client, server, firstFrame } = connection.facts
    const ours = `${client.endpoint} ${server.endpoint} from frame ${firstFrame}`
    const check = { field: 'stream', peer: 'none', ours, agrees: false }
    tally.add({ peer: 'tshark', file: name, stream: `ours ${connection.facts.id}` }, check)
  }
}

function compareZeek(name: string, own: readonly OwnConnection[]): void {
  const log = tables.zeekRows(folder, name)
  if (log === null) return
  const rows = log.rows.filter((row) => row['proto'] === undefined || row['proto'] === 'tcp')
  const paired = peers.pairZeek(rows, own)
  for (const [i, connection] of paired.entries()) {
    const subject = { peer: log.partial ? 'zeek, partial' : 'zeek', file: name, stream: String(i) }
    if (!log.partial) tally.add(subject, streamCheck(connection))
    if (connection === null) continue
    for (const check of peers.zeekChecks(rows[i]!, connection))
      tally.add(subject, check, connection)
  }
}

function compareArkime(name: string, own: readonly OwnConnection[]): void {
  for (const session of peers.joinArkime(tables.arkimeRows(folder, name))) {
    const found = own.filter(({ facts }) => keyOf(facts) === session.key)
    // Arkime cuts sessions by time, not by SYN: only what is alone on its addresses and ports can be compared.
    if (found.length !== 1) continue
    const subject = { peer: 'arkime', file: name, stream: session.key }
    tally.add(subject, peers.arkimeCheck(session, found[0]!), found[0])
  }
}

function compareTcptrace(name: string, own: readonly OwnConnection[]): void {
  const connections = tables.tcptraceConnections(folder, name)
  const left = [...own]
  for (const [i, peer] of connections.entries()) {
    const key = pairKey(peer.a, peer.b)
    const index = left.findIndex(({ facts }) => keyOf(facts) === key)
    const subject = { peer: 'tcptrace', file: name, stream: String(i) }
    if (index < 0) continue
    const [connection] = left.splice(index, 1)
    for (const check of peers.tcptraceChecks(peer, connection!))
      tally.add(subject, check, connection)
  }
}

function keyOf(facts: OwnConnection['facts']): string {
  return pairKey(facts.client.endpoint, facts.server.endpoint)
}

function streamCheck(connection: OwnConnection | null): peers.Check {
  const ours = connection === null ? 'none' : 'found'
  return { field: 'stream', peer: 'found', ours, agrees: connection !== null }
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}
