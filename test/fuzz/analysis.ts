import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { analyzeCaptures } from '../../src/app/analyze.ts'
import { TcpwhyError } from '../../src/base/errors.ts'
import { formats } from '../../src/report/formats/index.ts'
import { root } from '../helpers/built.ts'
import type { FuzzTarget } from './target.ts'

const file = join(tmpdir(), `tcpwhy-fuzz-${process.pid}.pcap`)
const captures = [
  'port-closed/nothing-listens.client.pcap',
  'close-with-unread-data/unread-response.pcap',
  'tls-failure/unknown-ca.pcap',
]

/** The whole chain: any octets in; out comes our own error, or a report that every format can show. */
export const analysisTargets: readonly FuzzTarget[] = [
  {
    id: 'analysis',
    samples: captures.map((name) => readFileSync(join(root, 'test/captures', name))),
    async check(octets) {
      writeFileSync(file, octets)
      try {
        const { report } = await analyzeCaptures({ inputs: [file], at: [], filter: {}, all: false })
        for (const { render } of formats) [...render(report, { color: false, verbose: true })]
      } catch (error) {
        if (!(error instanceof TcpwhyError)) throw error
      } finally {
        rmSync(file, { force: true })
      }
    },
  },
]
