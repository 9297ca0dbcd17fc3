import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A row of a table with named columns; what is missing reads as ''. */
export type Row = Record<string, string>

export interface Capture {
  name: string
  path: string
  tier: string
  description: string
}

export interface Label {
  file: string
  stream: number
  end: string
  alsoAcceptable: string[]
  why: string
}

/** The captures that manifest.jsonl lists. */
export function manifest(folder: string): Capture[] {
  return jsonLines(join(folder, 'manifest.jsonl')).map((row) => ({
    name: String(row['name']),
    path: join(folder, String(row['file'])),
    tier: String(row['tier']),
    description: String(row['description']),
  }))
}

export function labels(folder: string): Label[] {
  return jsonLines(join(folder, 'labels.jsonl')).map((row) => ({
    file: String(row['file']),
    stream: Number(row['stream']),
    end: String(row['end']),
    alsoAcceptable: Array.isArray(row['also_acceptable']) ? row['also_acceptable'].map(String) : [],
    why: String(row['why']),
  }))
}

export function tsharkRows(folder: string, name: string): Row[] {
  return separated(join(folder, 'truth', `${name}.tshark.tsv`))
}

/** Zeek's conn.log of a capture, when it cut the connections as tshark does; 'partial' has some columns only. */
export function zeekRows(folder: string, name: string): { rows: Row[]; partial: boolean } | null {
  const map = separated(join(folder, 'zeek', 'map.tsv'))
  const entry = map.find((row) => row['trace'] === name && row['copied_as'] !== '-')
  const copied = entry?.['copied_as']
  if (entry === undefined || copied === undefined) return null
  const partial = entry['class'] === 'partial'
  if (entry['class'] !== 'clean' && !partial) return null
  const path = join(folder, copied)
  if (!existsSync(path)) return null
  const lines = readFileSync(path, 'utf8').split('\n')
  const fields = lines
    .find((line) => line.startsWith('#fields'))
    ?.split('\t')
    .slice(1)
  const bare = fields === undefined ? lines.findIndex((line) => !line.startsWith('#')) : -1
  const names = fields ?? lines[bare]!.split('\t')
  const rows = lines
    .filter((line, i) => line !== '' && !line.startsWith('#') && i !== bare)
    .map((line) => named(names, line.split('\t')))
  return { rows, partial }
}

export function arkimeRows(folder: string, name: string): Record<string, unknown>[] {
  const path = join(folder, 'arkime', `${name}.sessions.jsonl`)
  return existsSync(path) ? jsonLines(path) : []
}

/** Connections of `tcptrace -l`: the two ends and the numbers of each direction, by title. */
export interface TcptraceConnection {
  a: string
  b: string
  aToB: Row
  bToA: Row
}

export function tcptraceConnections(folder: string, name: string): TcptraceConnection[] {
  const path = join(folder, 'tcptrace', `${name}.long`)
  if (!existsSync(path)) return []
  const found: TcptraceConnection[] = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const host = /^\s*host \S+:\s+(\S+)/.exec(line)?.[1]
    const open = found[found.length - 1]
    if (host !== undefined && (open === undefined || open.b !== '')) {
      found.push({ a: host, b: '', aToB: {}, bToA: {} })
    } else if (host !== undefined && open !== undefined) open.b = host
    const both = /^\s+(\S[^:]*):\s+(\S+).*?\s+(\S[^:]*):\s+(\S+)/.exec(line)
    if (both === null || open === undefined || both[1] !== both[3]) continue
    open.aToB[both[1]!] = both[2]!
    open.bToA[both[1]!] = both[4]!
  }
  return found
}

/** tcpdump's printed text with the capture it was printed from. */
export function textRows(folder: string): { text: string; capture: string; options: string }[] {
  return separated(join(folder, 'tcpdump-text', 'map.tsv')).map((row) => ({
    text: join(folder, 'tcpdump-text', row['text'] ?? ''),
    capture: row['capture'] ?? '',
    options: row['tcpdump_options'] ?? '',
  }))
}

export function capturePaths(folder: string): Map<string, string> {
  const files = join(folder, 'files')
  const paths = new Map<string, string>()
  for (const source of readdirSync(files)) {
    for (const name of readdirSync(join(files, source))) paths.set(name, join(files, source, name))
  }
  return paths
}

function separated(path: string): Row[] {
  if (!existsSync(path)) return []
  const [head, ...lines] = readFileSync(path, 'utf8').split('\n')
  const names = head!.split('\t')
  return lines.filter((line) => line !== '').map((line) => named(names, line.split('\t')))
}

function named(names: readonly string[], values: readonly string[]): Row {
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']))
}

function jsonLines(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}
