import { describe, expect, test } from 'vitest'
import { cli } from './fake.ts'

describe('what is not sent without being asked for', () => {
  test.each([
    ['255.255.255.255:80', 'PROBE_ADDRESS_REFUSED'],
    ['224.0.0.1:80', 'PROBE_ADDRESS_REFUSED'],
    ['[ff02::1]:80', 'PROBE_ADDRESS_REFUSED'],
    ['0.0.0.0:80', 'PROBE_ADDRESS_REFUSED'],
    ['192.0.2.1:80', 'PROBE_NOT_YOURS'],
    ['10.255.255.1:80', 'PROBE_NOT_YOURS'],
    ['[2001:db8::1]:80', 'PROBE_NOT_YOURS'],
  ])('%s', async (target, code) => {
    const { err, exitCode } = await cli(['probe', 'load', target])
    expect(exitCode).toBe(2)
    expect(err).toContain(`[${code}]`)
    expect(err).not.toContain('will open')
  })

  test('no flag lets anything go to a broadcast address', async () => {
    const { err } = await cli(['probe', 'load', '255.255.255.255:80', '--yes-i-own-this'])
    expect(err).toContain('[PROBE_ADDRESS_REFUSED]')
  })
})

describe('probe', () => {
  test('alone, or with a word that it does not know, says what there is', async () => {
    expect((await cli(['probe'])).err).toContain('[BAD_ARGUMENT]')
    expect((await cli(['probe', 'lod', 'x:1'])).err).toContain('Did you mean tcpwhy probe load?')
    const help = await cli(['probe', '--help'])
    expect(help.exitCode).toBe(0)
    expect(help.out).toContain('probe load')
  })

  test.each([
    [['probe', 'load'], 'needs a target'],
    [['probe', 'load', 'a:1', 'b:2'], 'takes one target'],
    [['probe', 'load', 'nothing'], 'is no target'],
    [['probe', 'connect', '[fe80::1]:80'], 'which one is meant is not said'],
    [['probe', 'idle', 'a=127.0.0.1:1', 'a=127.0.0.1:2'], 'Two targets are called a'],
    [['probe', 'idle', '127.0.0.1:1', '127.0.0.1:1'], 'Two targets are called 127.0.0.1:1'],
    [
      ['probe', 'idle', '127.0.0.1:1', '--precision', '2h', '--max', '1h'],
      '--precision 2h is longer',
    ],
    [['probe', 'idle', '127.0.0.1:1', '--precision', '2h'], '(--max 60m)'],
    [['probe', 'load', 'a:1', '--for', 'soon'], '--for soon is not a time'],
    [['probe', 'load', 'a:1', '-c', '0'], '--concurrency 0 is not a number'],
    [['probe', 'load', 'a:1', '--burst', '5'], '--burst 5 is not a burst'],
    [['probe', 'load', 'a:1', '--burst', '0@1s'], '--burst 0@1s is not a burst'],
    [['probe', 'load', 'a:1', '--burst', '5@soon'], '--burst N@ soon is not a time'],
    [['probe', 'load', 'a:1', '--burst', '9000@0s', '--burst', '12000@1s'], '21000 connections'],
    [['probe', 'load', 'a:1', '--burst', '5@1s', '--rate', '5'], '--burst and --rate exclude'],
    [['probe', 'load', '127.0.0.1:1', '--json-lines', '--json'], '--json-lines and --json exclude'],
  ])('%j', async (argv, complaint) => {
    const { err, exitCode } = await cli(argv)
    expect(exitCode).toBe(2)
    expect(err).toContain(complaint)
  })

  test('says what it will send before it does, and nothing with --quiet', async () => {
    const words = ['probe', 'load', '127.0.0.1:1', '-n', '2', '-c', '1']
    expect((await cli(words)).err).toMatch(/^tcpwhy probe load will open/)
    const quiet = await cli([...words, '--quiet', '--json'])
    expect(quiet.err).toBe('')
    expect(JSON.parse(quiet.out)).toMatchObject({ schema: 'tcpwhy.probe/1', probe: 'load' })
  })

  test('--json-lines: when all of a burst have begun, and the result as the last line', async () => {
    const words = '--burst 2@0s --burst 3@20ms --json-lines --quiet'.split(' ')
    const { out, exitCode } = await cli(['probe', 'load', '127.0.0.1:1', ...words])
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(exitCode).toBe(0)
    expect(lines.find(({ is }) => is === 'all-begun')).toMatchObject({ begun: 5 })
    expect(lines.at(-1)).toMatchObject({
      is: 'result',
      report: {
        plan: { connections: 5, atOnce: 5 },
        settings: {
          keepAlive: false,
          bursts: [
            { atMs: 0, count: 2 },
            { atMs: 20, count: 3 },
          ],
        },
        failures: [{ kind: 'connect-refused', count: 5 }],
      },
    })
  })
})
