import type { AnalyzeOptions, ConnectionFilter, Vantage } from '../app/types.ts'
import { TcpwhyError } from '../base/errors.ts'
import { type ReportRequest, reportRequest } from './report-output.ts'
import type { Arguments } from './spec.ts'
import { parseTime } from './time.ts'

/** What to analyse and how to show it, of the words that were typed. */
export interface AnalyzeRequest extends ReportRequest {
  analyze: Omit<AnalyzeOptions, 'sink' | 'onProgress' | 'finish'>
  export: { path: string; format: string } | null
  quiet: boolean
}

/** @throws TcpwhyError BAD_ARGUMENT, EXPORT_UNKNOWN_FORMAT */
export function analyzeRequest(args: Arguments): AnalyzeRequest {
  const has = (name: string) => args.options[name] !== undefined
  const show = one(args, 'show')
  const baseline = one(args, 'baseline')
  const request: AnalyzeRequest = {
    analyze: {
      inputs: args.operands,
      at: (args.options['at'] ?? []).map(vantage),
      filter: filterOf(args),
      all: has('all'),
      ...(show === undefined ? {} : { show: connectionId(show) }),
      ...(baseline === undefined ? {} : { baseline }),
      ...(args.options['probe'] === undefined ? {} : { probes: args.options['probe'] }),
    },
    ...reportRequest(args),
    export: exportOf(args),
    quiet: has('quiet'),
  }
  checkTogether(request)
  return request
}

function one(args: Arguments, name: string): string | undefined {
  return args.options[name]?.[0]
}

function bad(what: string, todo: string): TcpwhyError {
  return new TcpwhyError('BAD_ARGUMENT', what, todo)
}

function checkTogether({ analyze, export: exported, output, format }: AnalyzeRequest): void {
  const { inputs, at, show } = analyze
  if (inputs.length === 0 && at.length === 0) {
    throw bad('No capture was given', 'Name a file, or - for standard input: tcpwhy FILE...')
  }
  const twice = at.find((a, i) => at.findIndex((b) => b.vantage === a.vantage) !== i)?.vantage
  if (twice !== undefined) {
    throw bad(
      `Two captures are said to be of the ${twice}`,
      'Give each its own role; pieces of one capture are joined by mergecap -w whole.pcap PIECE...',
    )
  }
  if (inputs.length > 0 && at.length > 0) {
    throw bad(
      `Both --at and a capture without a role (${inputs[0]}) were given`,
      'Give every capture its role: --at client=A --at server=B, or none of them.',
    )
  }
  if (inputs.filter((input) => input === '-').length > 1) {
    throw bad('Standard input (-) was given twice', 'It can be read only once.')
  }
  if (exported?.path === '-' && output === null) {
    throw bad(
      'Both the report and --export - would go to standard output',
      'Send one of them to a file: -o report.txt.',
    )
  }
  if (show !== undefined && (format === 'markdown' || format === 'html')) {
    throw bad(`--show has no ${format} form`, 'Use it alone or with --json.')
  }
}

function connectionId(text: string): string {
  const id = text.replace(/^#/, '')
  if (/^\d{1,15}$/.test(id)) return String(Number(id))
  throw bad(`--show ${text} is not the id of a connection`, 'Ids are numbers; -v lists them.')
}

function vantage(text: string): { vantage: Vantage; path: string } {
  const [role = '', path = ''] = split(text, '=')
  if ((role === 'client' || role === 'server' || role === 'router') && path !== '') {
    return { vantage: role, path }
  }
  throw bad(
    `--at ${text} does not say where a capture was made`,
    'Write --at client=FILE, --at server=FILE or --at router=FILE.',
  )
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

function filterOf(args: Arguments): ConnectionFilter {
  const host = one(args, 'host')
  const port = one(args, 'port')
  const between = one(args, 'between')
  const since = one(args, 'since')
  const before = one(args, 'before')
  return {
    ...(host === undefined ? {} : { host: address('--host', host) }),
    ...(port === undefined ? {} : { port: portNumber(port) }),
    ...(between === undefined ? {} : { between: pair(between) }),
    ...(since === undefined ? {} : { since: parseTime('--since', since) }),
    ...(before === undefined ? {} : { before: parseTime('--before', before) }),
  }
}

export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port > 0 && port < 65536) return port
  throw bad(`--port ${text} is not a port number`, 'Give a number from 1 to 65535.')
}

function pair(text: string): readonly [string, string] {
  const [a = '', b = ''] = split(text, ' ')
  if (b === '') throw bad('--between takes two addresses', 'Write --between 10.0.0.1 10.0.0.2.')
  return [address('--between', a), address('--between', b)]
}

const IPV4 = /^(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/
const IPV6 = /^(?=.*:)[\da-f:.]{2,45}$/i

/** The address as reports print it: IPv6 in its shortest form (RFC 5952). */
function address(option: string, text: string): string {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  if (IPV4.test(bare)) return bare
  if (IPV6.test(bare) && URL.canParse(`http://[${bare}]`)) {
    return new URL(`http://[${bare}]`).hostname.slice(1, -1)
  }
  throw bad(
    `${option} ${text} is not an IP address`,
    'Names are not looked up: give the address as it is in the capture.',
  )
}

function exportOf(args: Arguments): AnalyzeRequest['export'] {
  const path = one(args, 'export')
  const format = one(args, 'export-format')
  if (path === undefined) {
    if (format === undefined) return null
    throw bad('--export-format without --export', 'Add --export FILE, or --export -.')
  }
  const extension = /\.(csv|jsonl|parquet)$/i.exec(path)?.[1]?.toLowerCase()
  const id = format ?? extension
  if (id !== undefined) return { path, format: id }
  throw new TcpwhyError(
    'EXPORT_UNKNOWN_FORMAT',
    `--export ${path} does not say in which format`,
    'End the name in .csv, .jsonl or .parquet, or add --export-format csv.',
  )
}
