import { describe, expect, test } from 'vitest'
import { commands } from '../../src/cli/commands/index.ts'
import { parseWithCommander } from '../../src/cli/grammar.ts'
import { joinPairs, scan } from '../../src/cli/scan.ts'
import { expectGolden } from '../golden.ts'
import { cli } from './fake.ts'

const analyze = commands.find((command) => command.name === 'analyze')!

describe('the quick scanner reads a line as commander does', () => {
  for (const line of [
    'a.pcap',
    '-',
    'a.pcap b.pcap --json',
    '--json a.pcap -v',
    '-o out.txt a.pcap',
    '--output out.txt - --no-color',
    '--between 10.0.0.1 10.0.0.2 a.pcap',
    'a.pcap --between ::1 ::2 --all',
    '--at client=a --at server=b --at router=c',
    '--export x --export-format csv a.pcap',
    '--export - a.pcap -o x',
    '--quiet -- --json',
    'a.pcap -- b.pcap -v',
  ]) {
    test(line, () => {
      const words = joinPairs(line.split(' '), analyze)
      const quick = scan(words, analyze)
      expect(quick).not.toBeNull()
      expect(parseWithCommander(words, analyze, [])).toEqual({ is: 'run', args: quick })
    })
  }

  for (const line of ['--help', '-h', '--jsn', '-x', '--json=1', '-vo', '--show', '--show -v a']) {
    test(`leaves ${line} to commander`, () => {
      expect(scan(joinPairs(line.split(' '), analyze), analyze)).toBeNull()
    })
  }

  test.each([
    [['--show', '3', '--show', '4'], '--show was given twice: 3 and 4'],
    [['--port=80', '--port', '443'], '--port was given twice: 80 and 443'],
    [
      ['--export-format', 'csv', '--export-format', 'jsonl'],
      '--export-format was given twice: csv and jsonl',
    ],
  ])('of two values of one option none is dropped: %j', async (options, message) => {
    const { err, exitCode } = await cli([...options, 'a.pcap'])
    expect(exitCode).toBe(2)
    expect(err).toContain(message)
  })

  test('--name=value works too', async () => {
    const { asked } = await cli(['--port=80', 'a.pcap'])
    expect(asked[0]?.filter).toEqual({ port: 80 })
  })
})

describe('--help', () => {
  test('of the program', async () => {
    const { out, exitCode } = await cli(['--help'])
    expect(exitCode).toBe(0)
    expectGolden('cli/goldens/help.txt', out)
  })

  for (const command of commands) {
    test(`of ${command.name}`, async () => {
      const words = command.name.split(' ')
      expectGolden(`cli/goldens/help-${words.join('-')}.txt`, (await cli([...words, '-h'])).out)
    })
  }

  test('is at most 100 columns wide', async () => {
    for (const line of (await cli(['--help'])).out.split('\n')) {
      expect(line.length, line).toBeLessThanOrEqual(100)
    }
  })
})
