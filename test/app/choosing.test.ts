import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { parquetReadObjects } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import type { ConnectionFilter } from '../../src/app/types.ts'
import type { ConnectionSummary } from '../../src/diagnose/report.ts'
import { columns } from '../../src/report/export/columns.ts'
import { json } from '../../src/report/formats/json.ts'
import { root, tcpwhy } from '../helpers/built.ts'
import { captureFiles } from '../helpers/capture-pages.ts'
import { analyze, folderOfOurOwn, own, recordsOf } from './given.ts'

const write = folderOfOurOwn()
const INCIDENT = own('incident/idle-timeout')
const BACKLOG = own('incident/listen-backlog')

async function listed(filter: ConnectionFilter) {
  return (await analyze([INCIDENT], { filter })).report.connections.listed
}

describe('filters', () => {
  test('--host, --port and --between keep the connections that they name, whole', async () => {
    const all = await listed({})
    const client = all[0]!.client.split(':')[0]!
    const port = Number(all[7]!.client.split(':')[1])
    const server = all[0]!.server.split(':')[0]!
    const onePort = await listed({ port })
    expect(onePort.map((c) => c.client)).toEqual(
      all.filter((c) => c.client.endsWith(`:${port}`)).map((c) => c.client),
    )
    expect(onePort[0]!.packets).toEqual(all[7]!.packets)
    expect(await listed({ host: client })).toHaveLength(
      all.filter((c) => c.client.startsWith(`${client}:`)).length,
    )
    expect(await listed({ between: [server, client] })).toEqual(await listed({ host: client }))
    expect(await listed({ host: '192.0.2.1' })).toEqual([])
  })

  test('a time of day before the first frame is before it, and not the next day', async () => {
    const first = (await listed({}))[0]!.startTime
    const [hours, minutes] = [Number(first.slice(11, 13)), Number(first.slice(14, 16))]
    const minute = {
      is: 'time-of-day',
      ns: BigInt(hours * 60 + minutes) * 60_000_000_000n,
    } as const
    expect(await listed({ since: minute })).toEqual(await listed({}))
    expect(await listed({ before: minute })).toEqual([])
    const yesterday = { is: 'time-of-day', ns: minute.ns + 13n * 3_600_000_000_000n } as const
    const midnight = { ...yesterday, ns: yesterday.ns % 86_400_000_000_000n }
    expect(await listed({ since: midnight })).toEqual([])
    expect(await listed({ before: midnight })).toEqual(await listed({}))
  })

  test('--since and --before divide the packets between them', async () => {
    const packets = (list: Awaited<ReturnType<typeof listed>>) =>
      list.reduce((sum, c) => sum + c.packets.client + c.packets.server, 0)
    const time = { is: 'relative', ns: 3_000_000_000n } as const
    const [before, since] = [
      packets(await listed({ before: time })),
      packets(await listed({ since: time })),
    ]
    expect(before).toBeGreaterThan(0)
    expect(since).toBeGreaterThan(0)
    expect(before + since).toBe(packets(await listed({})))
  })
})

describe('--show', () => {
  test('has a row for every segment of the connection', async () => {
    const { report } = await analyze([INCIDENT])
    for (const connection of report.connections.listed.slice(0, 5)) {
      const { ladder } = await analyze([INCIDENT], { show: connection.id })
      expect(ladder!.rows).toHaveLength(connection.packets.client + connection.packets.server)
      expect(ladder!.omitted).toBe(null)
      expect(ladder!.rows[0]!.frame).toBe(connection.frames.first)
      expect(ladder!.rows.at(-1)!.frame).toBe(connection.frames.last)
    }
  })

  test('an id that is none says which there are', async () => {
    await expect(analyze([INCIDENT], { show: '99999' })).rejects.toMatchObject({
      code: 'CONNECTION_NOT_FOUND',
    })
  })
})

describe('--all and --export', () => {
  test('the exported rows say under which cause each connection was counted, as the report does', async () => {
    const rows: ConnectionSummary[] = []
    const sink = { write: async (more: readonly ConnectionSummary[]) => void rows.push(...more) }
    const { report } = await analyze([BACKLOG], { sink })
    expect(rows).toEqual(report.connections.listed)
    const { cause } = report.findings[0]!
    const alike = report.findings.filter((f) => f.cause === cause)
    const affected = alike.reduce((sum, f) => sum + f.affected.connections, 0)
    expect(rows.filter((r) => r.cause === cause)).toHaveLength(affected)
  })

  test('--all lists every connection, without it only the troubled', async () => {
    const all = (await analyze([BACKLOG])).report.connections
    expect(all.listed).toHaveLength(all.total)
    const some = (await analyze([BACKLOG], { all: false })).report.connections
    expect(some.listed.length).toBeLessThan(all.total)
    expect(some.total).toBe(all.total)
  })

  test.each(['csv', 'jsonl', 'parquet'])(
    '%s has a row a connection and every column',
    async (kind) => {
      const path = write(`export.${kind}`, '')
      expect(tcpwhy([BACKLOG, '--export', path]).exitCode).toBe(1)
      const { total, listed: all } = (await analyze([BACKLOG])).report.connections
      const rows = await readTable(path, kind)
      expect(rows).toHaveLength(total)
      expect(Object.keys(rows[0]!)).toEqual(columns.map(({ name }) => name))
      expect(rows.map((row) => String(row['ending']))).toEqual(all.map((c) => c.ending))
    },
  )
})

async function readTable(path: string, kind: string): Promise<Record<string, unknown>[]> {
  const bytes = readFileSync(path)
  if (kind === 'parquet') {
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    return parquetReadObjects({ file: file as ArrayBuffer })
  }
  const lines = bytes.toString('utf8').trim().split(/\r?\n/)
  if (kind === 'jsonl') return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const [head, ...rest] = lines.map((line) => line.split(','))
  return rest.map((cells) => Object.fromEntries(head!.map((name, i) => [name, cells[i]])))
}

describe('several captures at once', () => {
  test('--baseline says what differs from the healthy hour', async () => {
    const { report } = await analyze([BACKLOG], { baseline: own('healthy/busy') })
    expect(report.baseline).toBeDefined()
    expect(report.baseline!.differences.length).toBeGreaterThan(0)
    expect((await analyze([BACKLOG])).report.baseline).toBeUndefined()
  })

  test('--at client= and server= proves what one side can only suspect', async () => {
    const [client, server] = ['client', 'server'].map((at) =>
      own(`injected-reset/towards-client.${at}`),
    )
    const alone = (await analyze([client!])).report.findings[0]!
    expect(alone).toMatchObject({ cause: 'injected-reset', certainty: 'likely' })
    const { report } = await analyze([], {
      at: [
        { vantage: 'client', path: client! },
        { vantage: 'server', path: server! },
      ],
    })
    expect(report.findings[0]).toMatchObject({ cause: 'injected-reset', certainty: 'confirmed' })
    const frames = { client: recordsOf(client!).records, server: recordsOf(server!).records }
    for (const e of report.findings[0]!.because) {
      if (e.kind !== 'frame') continue
      expect(e.frame).toBeLessThanOrEqual(frames[e.source as 'client' | 'server'].length)
    }
  })
})

test('the JSON of every capture of ours is as the schema says', async () => {
  const schema = JSON.parse(readFileSync(`${root}/schema/tcpwhy.report.1.json`, 'utf8'))
  const valid = new Ajv({ allowUnionTypes: true }).compile(schema)
  for (const path of captureFiles()) {
    const { report } = await analyze([path])
    valid(JSON.parse([...json.render(report, { color: false, verbose: false })].join('')))
    expect(valid.errors ?? [], path).toEqual([])
  }
}, 120_000)

test('hostile octets in the name of a file reach neither the terminal nor break the JSON', () => {
  const name = 'a\u001b[31m"<script>\u0007\u202e.pcap'
  const path = write(name, readFileSync(own('process-killed/kill-9')))
  for (const args of [[path], [path, '-v'], [path, '--markdown'], [path, '--html']]) {
    const { text, exitCode } = tcpwhy(args)
    expect(exitCode).toBe(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come out
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/)
  }
  expect(tcpwhy([path, '--html']).text).not.toContain('"<script>')
  const report = JSON.parse(tcpwhy([path, '--json']).text) as { sources: { name: string }[] }
  expect(report.sources[0]!.name).toContain('<script>')
})
