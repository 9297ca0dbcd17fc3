import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { CaptureOptions, CaptureResult } from '../../src/app/capture/capture.ts'
import { capture as command } from '../../src/cli/commands/capture.ts'
import type { OptionSpec } from '../../src/cli/spec.ts'
import { cli } from './fake.ts'

const page = readFileSync(new URL('../../docs/capture.md', import.meta.url), 'utf8')

const target = { netns: null, pid: null, label: 'this host' }
const file = { path: 'x.pcapng', packets: 12_345, octets: 2_000_000, fired: null }
const result: CaptureResult = {
  files: [file],
  dropped: 0,
  endedBy: 'time',
  lastWords: '',
  startMs: 0,
  endMs: 30_000,
}

/** The command line with a capture of our making. */
async function run(words: readonly string[], over: Partial<CaptureResult> = {}) {
  const asked: CaptureOptions[] = []
  const said = await cli(['capture', ...words], undefined, {}, undefined, async (options) => {
    asked.push(options)
    options.onEvent?.({ kind: 'listening', target, folder: '/tmp/tcpwhy-1-2' })
    const whole = { ...result, ...over }
    for (const one of whole.files) {
      if (one.fired !== null) options.onEvent?.({ kind: 'fired', fired: one.fired })
      options.onEvent?.({ kind: 'saved', file: one })
    }
    return whole
  })
  return { ...said, options: asked[0] }
}

const lineOf = (line: string) => line.split(' ').filter((word) => word !== '')

describe('what is asked for', () => {
  test('nothing: headers of this host on all interfaces, until it is ended', async () => {
    const { options, exitCode } = await run([])
    expect(exitCode).toBe(0)
    expect(options).toMatchObject({
      interface: 'any',
      snapLen: 160,
      filter: 'tcp or icmp or icmp6',
      promiscuous: false,
      maxOctets: 500_000_000,
      ringMs: null,
      triggers: [],
      forMs: null,
    })
    expect(options?.output).toMatch(/^tcpwhy-[\w.-]+-\d{8}T\d{6}Z\.pcapng$/)
  })

  test('the name of a container cannot lead out of the folder', async () => {
    const { options } = await run(['--container', '../../etc/x'])
    expect(options?.container).toBe('../../etc/x')
    expect(options?.output).not.toContain('/')
  })

  test.each([
    ['--port 443', 'tcp port 443 or icmp or icmp6'],
    ['--port 80 --port 443', 'tcp port 80 or tcp port 443 or icmp or icmp6'],
    ['host 10.0.0.7 and port 80', 'host 10.0.0.7 and port 80'],
    ['--port 80 host 10.0.0.7', '(tcp port 80 or icmp or icmp6) and (host 10.0.0.7)'],
  ])('filter of %s', async (line, filter) => {
    expect((await run(lineOf(line))).options?.filter).toBe(filter)
  })

  test('a trigger brings a ring of two minutes', async () => {
    const { options } = await run(['--trigger', 'overflow', '--trigger', 'close-wait:100'])
    expect(options).toMatchObject({
      ringMs: 120_000,
      tailMs: 30_000,
      times: 1,
      triggers: [{ kind: 'overflow' }, { kind: 'close-wait', count: 100 }],
    })
  })

  test.each([
    ['reset-burst', { kind: 'reset-burst', count: 10, withinMs: 1000 }],
    ['reset-burst:50', { kind: 'reset-burst', count: 50, withinMs: 1000 }],
    ['reset-burst:50/1m', { kind: 'reset-burst', count: 50, withinMs: 60_000 }],
    ['log:/var/log/a.log:a:b+', { kind: 'log', path: '/var/log/a.log', pattern: /a:b+/ }],
  ])('--trigger %s', async (text, spec) => {
    expect((await run(['--trigger', text])).options?.triggers).toEqual([spec])
  })

  test('sizes, times, target, whole packets', async () => {
    const line =
      '--full --ring 1h30m --max-size 2g --for 10m --pid 77 --tail 5s -i eth0 -w a.pcapng'
    expect(
      (await run([...lineOf(line), '--trigger', 'overflow', '--times', '3'])).options,
    ).toMatchObject({
      snapLen: 262_144,
      ringMs: 5_400_000,
      maxOctets: 2e9,
      forMs: 600_000,
      pid: 77,
      tailMs: 5000,
      times: 3,
      interface: 'eth0',
      output: 'a.pcapng',
    })
  })
})

describe('what is not understood: two lines, exit 2, and nothing is started', () => {
  test.each([
    ['--pid 1 --container web', /--pid and --container exclude each other/],
    ['--pid 0', /--pid 0 is not a number/],
    ['--port 99999', /not a port number/],
    ['--max-size 1k', /at least 4m/],
    ['--max-size much', /not a size/],
    ['--for never', /--for never is not a time/],
    ['--trigger reset', /--trigger reset is not understood/],
    ['--trigger overflow:3', /is not understood/],
    ['--trigger close-wait', /is not understood/],
    ['--trigger close-wait:many', /not a number/],
    ['--trigger reset-burst:5/', /is not understood/],
    ['--trigger reset-burst --trigger reset-burst:5', /given twice/],
    ['--trigger log:/var/log/x', /has no pattern/],
    ['--trigger log::x', /has no pattern/],
    ['--trigger log:x:(', /Invalid regular expression/],
    ['--tail 5s', /--tail without --trigger/],
    ['--times 2', /--times without --trigger/],
    ['-w - --ring 1m', /--ring and --trigger and -w - exclude each other/],
    ['-w - --analyze', /--analyze and -w - exclude each other/],
    ['--no-such', /unknown option/],
  ])('%s', async (line, complaint) => {
    const { err, out, exitCode, options } = await run(lineOf(line))
    expect(err).toMatch(complaint)
    expect(err.trimEnd().split('\n')).toHaveLength(2)
    expect([out, exitCode, options]).toEqual(['', 2, undefined])
  })
})

describe('what is told', () => {
  test('the answer on standard output, the rest on standard error', async () => {
    const { out, err } = await run(['-w', 'x.pcapng', '--ring', '5m'])
    expect(out).toBe('12,345 packets in x.pcapng (2.0 MB)\n  tcpwhy x.pcapng\n')
    expect(err).toBe(
      'Capturing headers (160 octets of a packet) of this host on all interfaces, filter: tcp or icmp or\n' +
        'icmp6. Ctrl-C ends it.\n' +
        'The last 5 min are kept in /tmp/tcpwhy-1-2 (500.0 MB at most) until it ends.\n' +
        'No packets were lost by the capture.\n',
    )
  })

  test('a trigger that fired, with its evidence', async () => {
    const fired = {
      kind: 'close-wait' as const,
      values: { count: 104, limit: 100, holder: ', most of them held by java (pid 77)' },
    }
    const { err } = await run(['--trigger', 'close-wait:100'], { files: [{ ...file, fired }] })
    expect(err.replaceAll('\n', ' ')).toContain(
      'Trigger: 104 sockets in CLOSE-WAIT (limit 100), most of them held by java (pid 77). Going on for 30 s.',
    )
    expect(err).not.toContain('No trigger fired')
  })

  test('none fired', async () => {
    expect((await run(['--trigger', 'overflow'])).err).toContain('No trigger fired')
  })

  test('lost packets are told even with --quiet', async () => {
    const { err } = await run(['--quiet'], { dropped: 7 })
    expect(err).toBe(
      '7 packets were lost before they could be read: what is missing may be a loss of the capture.\n',
    )
  })

  test.each([
    ['tcpdump', 'pcap_loop: The interface disappeared', 2, /tcpdump did \(pcap_loop: The int/],
    ['tcpdump', '', 2, /tcpdump was ended from outside/],
    ['disk-full', '', 2, /the disk is full/],
    ['full', '', 0, /--max-size 500\.0 MB was reached/],
  ] as const)('it ended early: %s', async (endedBy, lastWords, code, words) => {
    const { err, exitCode } = await run([], { endedBy, lastWords })
    expect(err).toMatch(words)
    expect(exitCode).toBe(code)
  })

  test('a log line cannot steer the terminal', async () => {
    const fired = { kind: 'log' as const, values: { path: 'a.log', line: '\x1b[2J reset' } }
    const { err } = await run(['--trigger', 'log:a.log:reset'], { files: [{ ...file, fired }] })
    expect(err).toContain('\\x1b[2J reset')
    expect(err).not.toContain('\x1b')
  })

  test('-w - sends octets to standard output, and words to standard error', async () => {
    const { out, err, options } = await run(['-w', '-'], { files: [{ ...file, path: null }] })
    expect(out).toBe('')
    expect(err).toContain('Capturing headers')
    expect(typeof options?.output).toBe('function')
  })

  test('--analyze reads the file that was written, and has the last word', async () => {
    const { asked, out } = await run(['--analyze', '-w', 'x.pcapng'])
    expect(asked[0]?.inputs).toEqual(['x.pcapng'])
    expect(out).toMatch(/^12,345 packets in x\.pcapng/)
    expect(out.split('\n').length).toBeGreaterThan(3)
  })
})

test('docs/capture.md has every option and no other, with the words of --help', () => {
  const spelled = (command.options as readonly OptionSpec[]).map(
    ({ name, short, value, help }) =>
      `| \`${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}\` | ${help} |`,
  )
  const options = page.split('## Options')[1]!
  expect(options.match(/^\| `-.*$/gm)).toEqual(spelled)
})
