import type { CommandSpec } from '../spec.ts'

export const analyze = {
  name: 'analyze',
  summary: 'Say why the TCP connections in captures died, with evidence and what to do.',
  operands: {
    name: 'FILE',
    help: 'pcap, pcapng or tcpdump text, also compressed; - for standard input; several are joined',
  },
  options: [
    { name: 'json', help: 'Print the report as JSON (schema tcpwhy.report/1).' },
    { name: 'markdown', help: 'Print the report as Markdown, for an incident ticket.' },
    { name: 'html', help: 'Print the report as one self-contained HTML page.' },
    { name: 'output', short: 'o', value: 'FILE', help: 'Write the report there.' },
    { name: 'verbose', short: 'v', help: 'Add each troubled connection.' },
    { name: 'all', help: 'List every connection, not only the troubled; whole ladders.' },
    {
      name: 'show',
      value: 'ID',
      help: 'Show one connection segment by segment, on both sides where captured.',
    },
    {
      name: 'export',
      value: 'FILE',
      help: 'Write all connections, one row each, to FILE.csv, .jsonl or .parquet (- for standard output).',
    },
    {
      name: 'export-format',
      value: 'FORMAT',
      choices: ['csv', 'jsonl', 'parquet'],
      help: 'Format of --export where its name does not tell.',
    },
    { name: 'host', value: 'ADDRESS', help: 'Only connections that have this address at one end.' },
    { name: 'port', value: 'PORT', help: 'Only connections that have this port at one end.' },
    { name: 'between', value: 'A B', help: 'Only connections between these two addresses.' },
    { name: 'since', value: 'TIME', help: 'Only packets from this time on.' },
    { name: 'before', value: 'TIME', help: 'Only packets before this time.' },
    {
      name: 'at',
      value: 'ROLE=FILE',
      repeat: true,
      help: 'A capture of the same traffic made at the client, server or router (repeat it).',
    },
    { name: 'baseline', value: 'FILE', help: 'A healthy capture to compare with.' },
    {
      name: 'probe',
      value: 'FILE',
      repeat: true,
      help: 'The result of a tcpwhy probe with --json: does the experiment agree? (repeat it)',
    },
    { name: 'no-color', help: 'No colours (also: NO_COLOR in the environment).' },
    { name: 'quiet', help: 'No progress on standard error.' },
  ],
  examples: [
    { command: 'tcpwhy incident.pcap', what: 'what went wrong, with evidence and what to do' },
    {
      command: "sudo tcpdump -i any -s 96 -w - 'port 443' | tcpwhy -",
      what: 'live; Ctrl-C ends it with a report of what was seen',
    },
    { command: 'tcpwhy incident.pcap --show 44', what: 'one connection, segment by segment' },
    {
      command: 'tcpwhy --at client=c.pcap --at server=s.pcap',
      what: 'two vantage points: what was lost, altered or injected in between',
    },
    {
      command: 'tcpwhy incident.pcap --json --export connections.parquet > report.json',
      what: 'for programs: the report, and all connections for DuckDB or pandas',
    },
  ],
  notes: `TIME is 2026-11-20T09:14:03.5Z, 09:14:03.5 (UTC, day of the capture) or +12.5 (s after its start).
Exit code: 0 healthy or benign, 1 problem found, 3 inconclusive, 2 could not do what was asked.`,
  load: () => import('./analyze-run.ts'),
} as const satisfies CommandSpec
