import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** What a page in test/captures/ says (its README names the keys). `files` are absolute paths. */
export interface CapturePage {
  id: string
  expects: Record<string, string>
  clientAlone: Record<string, string> | null
  vantage: 'client' | 'server' | 'router' | 'both' | 'three'
  files: string[]
  connections: number
  ending: string | null
  endedBy: string | null
  victims: number | null
  also: string[]
}

const captureFolder = fileURLToPath(new URL('../captures/', import.meta.url))

/** Every page of test/captures/, sorted by id. */
export function capturePages(): CapturePage[] {
  return captureAreas().flatMap((area) =>
    readdirSync(captureFolder + area)
      .filter((file) => file.endsWith('.md'))
      .sort()
      .map((file) => readPage(area, file)),
  )
}

/** Paths of every capture below test/captures/. */
export function captureFiles(): string[] {
  return captureAreas().flatMap((area) =>
    readdirSync(captureFolder + area)
      .filter((file) => /\.pcap(ng)?$/.test(file))
      .map((file) => `${captureFolder}${area}/${file}`),
  )
}

function captureAreas(): string[] {
  return readdirSync(captureFolder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

function readPage(area: string, file: string): CapturePage {
  const front = readFileSync(`${captureFolder}${area}/${file}`, 'utf8').split('---\n')[1] ?? ''
  const values = new Map(
    front
      .trim()
      .split('\n')
      .map(
        (line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const,
      ),
  )
  return {
    id: `${area}/${file.replace(/\.md$/, '')}`,
    expects: mapping(values.get('expects') ?? ''),
    clientAlone: values.has('clientAlone') ? mapping(values.get('clientAlone')!) : null,
    vantage: values.get('vantage') as CapturePage['vantage'],
    files: list(values.get('files')).map((name) => `${captureFolder}${area}/${name}`),
    connections: Number(values.get('connections')),
    ending: values.get('ending') ?? null,
    endedBy: values.get('endedBy') ?? null,
    victims: values.has('victims') ? Number(values.get('victims')) : null,
    also: list(values.get('also')),
  }
}

/** `{ a: b, c: d }` */
function mapping(text: string): Record<string, string> {
  const inner = text.replace(/^\{ ?| ?\}$/g, '')
  return Object.fromEntries(inner.split(', ').map((pair) => pair.split(': ') as [string, string]))
}

/** `[a, b]` */
function list(text: string | undefined): string[] {
  const inner = (text ?? '').replace(/^\[|\]$/g, '')
  return inner === '' ? [] : inner.split(', ')
}
