import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { TcpwhyError } from '../../src/base/errors.ts'
import { OutputClosed } from '../../src/cli/io.ts'
import { benign, healthy, inconclusive, threeFindings } from '../reports/fixtures.ts'
import { cli } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'tcpwhy-cli-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('exit code', () => {
  for (const [report, code] of [
    [healthy, 0],
    [benign, 0],
    [threeFindings, 1],
    [inconclusive, 3],
  ] as const) {
    test(`${report.verdict} is ${code}`, async () => {
      expect((await cli(['a.pcap'], () => ({ report }))).exitCode).toBe(code)
    })
  }
})

describe('analyze', () => {
  test('`tcpwhy FILE` is `tcpwhy analyze FILE`', async () => {
    const short = await cli(['a.pcap', '-v'])
    const long = await cli(['analyze', 'a.pcap', '-v'])
    expect([short.out, short.exitCode]).toEqual([long.out, long.exitCode])
    expect(short.out).toMatch(/^Healthy/)
    expect(short.err).toBe('')
  })

  test('passes on every option', async () => {
    const words =
      'a.pcap - --host [2001:DB8:0::1] --port 443 --between 10.0.0.1 10.0.0.2 --since +1.5 --before 09:14:03.25 --all --show #12 --baseline b.pcap'
    const { asked } = await cli(words.split(' '))
    expect(asked[0]).toMatchObject({
      inputs: ['a.pcap', '-'],
      at: [],
      all: true,
      show: '12',
      baseline: 'b.pcap',
      filter: {
        host: '2001:db8::1',
        port: 443,
        between: ['10.0.0.1', '10.0.0.2'],
        since: { is: 'relative', ns: 1_500_000_000n },
        before: { is: 'time-of-day', ns: 33_243_250_000_000n },
      },
    })
  })

  test('--at gives each capture its role', async () => {
    const { asked } = await cli(['--at', 'client=c.pcap', '--at', 'server=a=b.pcap'])
    expect(asked[0]?.at).toEqual([
      { vantage: 'client', path: 'c.pcap' },
      { vantage: 'server', path: 'a=b.pcap' },
    ])
  })

  test.each([
    [undefined, 100],
    [72, 72],
    [110, 110],
    [300, 120],
    [20, 60],
    [0, 100],
  ])(
    'in a terminal of %s columns the text is at most %s wide, and makes use of it',
    async (columns, widest) => {
      let out = ''
      const terminal = {
        isTerminal: async () => true,
        columns: async () => columns,
        write: async (piece: string | Uint8Array) => {
          out += String(piece)
        },
      }
      await cli(['a.pcap', '--no-color', '-v'], () => ({ report: threeFindings }), {
        out: terminal,
      })
      // Commands are not cut inside a word.
      const texts = out.split('\n').filter((line) => !/^\s+(\S+ )?\$ |^ {20}/.test(line))
      const longest = Math.max(...texts.map((line) => line.length))
      expect(longest).toBeLessThanOrEqual(widest)
      expect(longest).toBeGreaterThan(widest - 12)
    },
  )

  test('--json prints the report and nothing else', async () => {
    const { out } = await cli(['a.pcap', '--json'], () => ({ report: threeFindings }))
    expect(JSON.parse(out)).toEqual(threeFindings)
  })

  test('-o writes the whole file in one step and prints nothing', async () => {
    const file = join(folder, 'report.json')
    writeFileSync(file, 'before')
    const { out, exitCode } = await cli(['a.pcap', '--json', '-o', file])
    expect([out, exitCode]).toEqual(['', 0])
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(healthy)
    expect(readdirSync(folder)).toEqual(['report.json'])
  })

  test('a report that cannot be written is said in two lines, exit 2', async () => {
    const { err, exitCode } = await cli(['a.pcap', '-o', join(folder, 'no', 'such', 'x')])
    expect(exitCode).toBe(2)
    expect(err).toMatch(/^tcpwhy: Cannot write .*ENOENT \[OUTPUT_UNWRITABLE\]\n[^\n]+\n$/)
  })

  test('--export writes every connection that the analysis gives', async () => {
    const file = join(folder, 'all.csv')
    const rows = threeFindings.connections.listed
    await cli(['a.pcap', '--export', file], async ({ sink }) => {
      await sink?.write(rows.slice(0, 1))
      await sink?.write(rows.slice(1))
      return { report: threeFindings }
    })
    const lines = readFileSync(file, 'utf8').split('\r\n')
    expect(lines).toHaveLength(4)
    expect(lines[0]).toMatch(/^id,client_address,client_port,/)
    expect(lines[1]).toMatch(/^44,10.77.1.5,40895,10.77.2.2,80,/)
  })

  test('an analysis that fails leaves no half-written export', async () => {
    const file = join(folder, 'never.jsonl')
    const { exitCode } = await cli(['a.pcap', '--export', file], async ({ sink }) => {
      await sink?.write(threeFindings.connections.listed)
      throw new TcpwhyError('CAPTURE_EMPTY', 'a.pcap is empty', 'Capture again.')
    })
    expect(exitCode).toBe(2)
    expect(existsSync(file)).toBe(false)
    expect(readdirSync(folder).some((name) => name.includes('never'))).toBe(false)
  })

  test('Ctrl-C finishes early and the report is still printed', async () => {
    let press = () => {}
    const { out, exitCode } = await cli(
      ['-'],
      ({ finish }) => {
        expect(finish?.aborted).toBe(false)
        press()
        expect(finish?.aborted).toBe(true)
        return { report: healthy }
      },
      {
        onInterrupt(stop) {
          press = stop
          return () => {}
        },
      },
    )
    expect([exitCode, out.slice(0, 7)]).toEqual([0, 'Healthy'])
  })

  test('a reader that goes away (| head) is no error, and the verdict stays', async () => {
    const { err, exitCode } = await cli(['a.pcap'], () => ({ report: threeFindings }), {
      out: {
        isTerminal: async () => false,
        write: () => Promise.reject(new OutputClosed()),
      },
    })
    expect([exitCode, err]).toEqual([1, ''])
  })

  test('colours on a terminal, unless NO_COLOR or --no-color', async () => {
    const onTerminal = async (argv: string[], env: Record<string, string>) => {
      let shown = ''
      await cli(argv, () => ({ report: threeFindings }), {
        env,
        out: {
          isTerminal: async () => true,
          async write(piece) {
            shown += String(piece)
          },
        },
      })
      return shown.includes('\x1b[')
    }
    expect(await onTerminal(['a.pcap'], {})).toBe(true)
    expect(await onTerminal(['a.pcap'], { NO_COLOR: '1' })).toBe(false)
    expect(await onTerminal(['a.pcap', '--no-color'], {})).toBe(false)
    expect(await onTerminal(['a.pcap', '--json'], {})).toBe(false)
  })
})

describe('what goes wrong', () => {
  const wrong: [string, RegExp][] = [
    ['--jsn a.pcap', /unknown option '--jsn' .*\n.*Did you mean --json\?/],
    ['a.pcap --json --markdown', /--json and --markdown exclude each other/],
    ['a.pcap --port 70000', /--port 70000 is not a port number/],
    ['a.pcap --host example.com', /--host example.com is not an IP address/],
    ['a.pcap --between 10.0.0.1', /--between takes two addresses/],
    ['a.pcap --since yesterday', /--since yesterday is not a time/],
    ['a.pcap --before 2026-02-30', /--before 2026-02-30 is not a time/],
    ['--at clint=c.pcap', /--at clint=c.pcap does not say where/],
    ['a.pcap --at client=c.pcap', /Both --at and a capture without a role/],
    ['--at client=a.pcap --at client=b.pcap', /Two captures are said to be of the client/],
    ['--json', /No capture was given/],
    ['a.pcap --export rows.xls', /does not say in which format \[EXPORT_UNKNOWN_FORMAT\]/],
    ['a.pcap --export - --export-format csv', /would go to standard output/],
    ['a.pcap --export-format xml --export -', /Allowed choices are csv, jsonl, parquet/],
    ['a.pcap --show me', /--show me is not the id of a connection/],
    ['a.pcap --show', /argument missing/],
    ['a.pcap --show 1 --html', /--show has no html form/],
    ['- -', /given twice/],
  ]
  for (const [words, complaint] of wrong) {
    test(`tcpwhy ${words}: two lines, exit 2`, async () => {
      const { err, out, exitCode, asked } = await cli(words.trim().split(' '))
      expect(err).toMatch(complaint)
      expect(err.trimEnd().split('\n')).toHaveLength(2)
      expect([exitCode, out, asked]).toEqual([2, '', []])
    })
  }

  test('a file or command that is misspelt: did you mean', async () => {
    writeFileSync(join(folder, 'incident.pcap'), '')
    const missing = (path: string) =>
      cli([path], () => {
        throw new TcpwhyError('CAPTURE_NOT_FOUND', `There is no file ${path}.`, 'Check the path.')
      })
    expect((await missing(join(folder, 'incidnet.pcap'))).err).toContain(
      `Did you mean ${join(folder, 'incident.pcap')}?`,
    )
    expect((await missing('anlyze')).err).toContain('Did you mean tcpwhy analyze?')
    expect((await missing(join(folder, 'no', 'such'))).err).toContain('Check the path.')
  })

  test('an error that is ours shows its stack and says so', async () => {
    const { err, exitCode } = await cli(['a.pcap'], () => {
      throw new Error('rcvNxt behind irs')
    })
    expect(exitCode).toBe(2)
    expect(err).toMatch(/bug in tcpwhy/)
    expect(err).toMatch(/rcvNxt behind irs\n +at /)
  })

  test('control characters of a file name do not reach the terminal', async () => {
    const { err } = await cli(['a.pcap'], () => {
      throw new TcpwhyError('CAPTURE_NOT_FOUND', 'No file \x1b[2J', 'Check.')
    })
    expect(err).toContain('\\x1b[2J')
  })

  test('tcpwhy alone looks at this host for three seconds', async () => {
    const { out, exitCode, observed } = await cli([])
    expect(observed).toMatchObject([{ forMs: 3000, captures: [] }])
    expect(out).toContain('Healthy')
    expect(exitCode).toBe(0)
  })

  test('tcpwhy alone, not on Linux, says what to type, exit 2', async () => {
    const { err, exitCode, observed } = await cli([], undefined, { platform: 'darwin' })
    expect(exitCode).toBe(2)
    expect(err).toContain('tcpwhy incident.pcap')
    expect(observed).toEqual([])
  })

  test('diagnose: options reach the observation', async () => {
    const argv = ['diagnose', '--for', '500ms', '--port', '443', '--pid', '7', 'a.pcap']
    const { observed } = await cli([...argv, '--capture', 'b.pcap', '-w', 'kept.pcapng'])
    expect(observed).toMatchObject([
      {
        forMs: 500,
        port: 443,
        pid: 7,
        captures: ['a.pcap', 'b.pcap'],
        packets: true,
        keep: 'kept.pcapng',
      },
    ])
  })

  test('diagnose: packets are captured only where a time is given', async () => {
    const { observed } = await cli(['diagnose', '--netns', 'blue'])
    expect(observed).toMatchObject([{ netns: 'blue', packets: false }])
    const without = await cli(['diagnose', '--for', '1s', '--no-packets'])
    expect(without.observed).toMatchObject([{ packets: false }])
  })

  test('diagnose: one place at a time', async () => {
    const { err, exitCode } = await cli(['diagnose', '--netns', 'blue', '--container', 'web'])
    expect(exitCode).toBe(2)
    expect(err).toContain('--netns and --container')
  })

  test.each([
    ['--pid', 'nginx'],
    ['--port', '0'],
    ['--for', 'soon'],
  ])('diagnose %s %s: what is wrong is said', async (option, value) => {
    const { err, exitCode } = await cli(['diagnose', option, value])
    expect(exitCode).toBe(2)
    expect(err).toContain(`${option} ${value}`)
  })
})
