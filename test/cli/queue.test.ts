import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { describe, expect, test } from 'vitest'
import { queue } from '../../src/cli/commands/queue.ts'
import type { OptionSpec } from '../../src/cli/spec.ts'
import { linuxHost } from '../helpers/host.ts'
import { cli } from './fake.ts'

const page = readFileSync(new URL('../../docs/queue.md', import.meta.url), 'utf8')
const schema = JSON.parse(
  readFileSync(new URL('../../schema/tcpwhy.queue.1.json', import.meta.url), 'utf8'),
)
const valid = new Ajv({ allowUnionTypes: true }).compile(schema)

const ALL = '--backlog 511 --somaxconn 4096 --max-syn-backlog 512 --syncookies 1'
const mac = linuxHost({ files: {}, release: '24.6.0', platform: 'darwin' })

function run(words: string, host = linuxHost()) {
  return cli(['queue', ...words.split(' ').filter((word) => word !== '')], undefined, {}, host)
}

async function answer(words: string, host = linuxHost()) {
  const { out, err, exitCode } = await run(`${words} --json`, host)
  expect([err, exitCode]).toEqual(['', 0])
  const report = JSON.parse(out)
  valid(report)
  expect(valid.errors ?? []).toEqual([])
  return report
}

describe('this host', () => {
  test('its sysctls and listeners; a backlog that was not given is the largest', async () => {
    expect(await answer('')).toMatchObject({
      schema: 'tcpwhy.queue/1',
      kernel: '6.18.44',
      kernelFrom: 'host',
      settings: {
        backlog: { value: 4096, from: 'largest' },
        somaxconn: { value: 4096, from: 'host' },
        tcp_max_syn_backlog: { value: 512, from: 'host' },
        tcp_syncookies: { value: 1, from: 'host' },
      },
      acceptQueue: { limit: 4097, binding: ['somaxconn'] },
      synQueue: { limit: 4097, binding: ['somaxconn'] },
      listeners: [{ local: '0.0.0.0:80', waiting: 3 }],
    })
  })

  test('what is given counts instead', async () => {
    expect(await answer('--backlog 10 --syncookies 0')).toMatchObject({
      settings: { backlog: { value: 10, from: 'given' }, tcp_syncookies: { from: 'given' } },
      acceptQueue: { limit: 11, binding: ['backlog'] },
      synQueue: { limit: 11, whenFull: 'syn-dropped' },
    })
    expect((await answer('--somaxconn 100')).settings.backlog).toEqual({
      value: 100,
      from: 'largest',
    })
  })

  test('a negative backlog is a huge one', async () => {
    expect(await answer('--backlog -1')).toMatchObject({
      acceptQueue: { limit: 4097, binding: ['somaxconn'] },
    })
  })

  test('a kernel that is not known: the answer says that it cannot tell', async () => {
    const { acceptQueue } = await answer('', linuxHost({ release: '9.0.1' }))
    expect(acceptQueue).toMatchObject({ limit: null, unknown: 'kernel-too-new' })
    const { out } = await run('', linuxHost({ release: '9.0.1' }))
    expect(out).toMatch(/^Accept queue: cannot tell\. SYN queue: cannot tell\.\n/)
    expect(out).toContain('Cannot tell, because its source was not read: 7.2 is the last')
  })

  test('/proc/sys that hides a value: its name is said', async () => {
    const files = { '/proc/sys/net/core/somaxconn': '4096\n' }
    const { err, exitCode } = await run('', linuxHost({ files }))
    expect(exitCode).toBe(2)
    expect(err).toMatch(
      /^tcpwhy: \/proc\/sys does not tell all values here; --max-syn-backlog, --syncookies are missing \[QUEUE_VALUES_MISSING\]\nGive them: /,
    )
  })

  test('a sysctl that is no number is none', async () => {
    const files = { '/proc/sys/net/core/somaxconn': 'plenty\n' }
    expect((await run('', linuxHost({ files }))).err).toContain('--somaxconn')
  })

  test('/proc/net that hides listeners: said, and the rest is told', async () => {
    const files = {
      '/proc/sys/net/core/somaxconn': '128',
      '/proc/sys/net/ipv4/tcp_max_syn_backlog': '512',
      '/proc/sys/net/ipv4/tcp_syncookies': '1',
    }
    expect(await answer('', linuxHost({ files }))).toMatchObject({ listeners: null })
    expect((await run('', linuxHost({ files }))).out).toContain('/proc/net/tcp cannot be read.')
  })
})

describe('another machine', () => {
  test('with all values it works where there is no Linux, and reads nothing', async () => {
    const report = await answer(`--kernel 4.3 ${ALL}`, mac)
    expect(report).toMatchObject({
      kernel: '4.3',
      kernelFrom: 'given',
      acceptQueue: { limit: 512 },
      synQueue: { limit: 512, binding: ['backlog'] },
    })
    expect(report).not.toHaveProperty('listeners')
    expect(await answer(`--kernel 4.3 ${ALL}`)).toEqual(report)
  })

  test('without them it says which are missing', async () => {
    expect((await run('', mac)).err).toMatch(
      /^tcpwhy: This is no Linux \(darwin\), .* --kernel, --backlog, --somaxconn, --max-syn-backlog, --syncookies are missing \[QUEUE_VALUES_MISSING\]\n/,
    )
    expect((await run(ALL, mac)).err).toMatch(/here; --kernel is missing \[/)
    expect((await run('--kernel 4.3')).err).toMatch(
      /^tcpwhy: With --kernel another machine is meant, and of it --backlog, --max-syn-backlog, --syncookies are missing/,
    )
  })

  test.each([
    ['3.10', 128],
    ['5.3.18', 128],
    ['5.4', 4096],
    ['6.18', 4096],
  ])('somaxconn of %s is %i by default', async (kernel, somaxconn) => {
    const words = `--kernel ${kernel} --backlog 9999 --max-syn-backlog 512 --syncookies 1`
    expect((await answer(words, mac)).settings.somaxconn).toEqual({
      value: somaxconn,
      from: 'default',
    })
  })

  test.each(['2.6.19', '2.6.32', '4.3', '4.9', '5.15.0-130-generic', '6.1', '6.18', '7.3'])(
    'Linux %s: valid JSON, and text of at most 100 columns',
    async (kernel) => {
      for (const rest of [ALL, ALL.replace('s 1', 's 0'), ALL.replace('512', '0')]) {
        await answer(`--kernel ${kernel} ${rest}`)
        const { out } = await run(`--kernel ${kernel} ${rest}`)
        for (const line of out.split('\n')) expect(line.length, line).toBeLessThanOrEqual(100)
      }
    },
  )
})

describe('what goes wrong', () => {
  test.each([
    ['--backlog many', /--backlog many is not a number/],
    ['--backlog 1.5', /is not a number/],
    ['--backlog 4294967296', /Give a whole number from -2147483648 to 4294967295/],
    ['--somaxconn -1', /Give a whole number from 0 to 2147483647/],
    ['--syncookies 3', /Allowed choices are 0, 1, 2/],
    ['--kernel latest', /--kernel latest is not a version of Linux/],
    ['80', /too many arguments/],
    ['--backlog', /argument missing/],
  ])('tcpwhy queue %s: two lines, exit 2', async (words, complaint) => {
    const { out, err, exitCode } = await run(words)
    expect(err).toMatch(complaint)
    expect(err.trimEnd().split('\n')).toHaveLength(2)
    expect([out, exitCode]).toEqual(['', 2])
  })

  test('a hostile release does not reach the terminal', async () => {
    const { out } = await run('', linuxHost({ release: '6.18.1-\x1b[2J' }))
    expect(out).toContain('6.18.1-\\x1b[2J')
    expect(out).not.toContain('\x1b')
  })

  test('a schema that takes anything would be none', async () => {
    const report = await answer('')
    expect(valid({ ...report, schema: 'tcpwhy.queue/2' })).toBe(false)
    expect(valid({ ...report, acceptQueue: { limit: 'many', binding: [] } })).toBe(false)
    expect(valid({ ...report, kernel: undefined })).toBe(false)
  })
})

describe('docs/queue.md', () => {
  test('has every option and no other, with the words of --help', () => {
    const spelled = (queue.options as readonly OptionSpec[]).map(
      ({ name, value, help }) => `| \`--${name}${value ? ` ${value}` : ''}\` | ${help} |`,
    )
    expect(page.match(/^\| `--.*$/gm)).toEqual(spelled)
  })

  test('has every reason for not telling, and every field', () => {
    const { definitions } = schema
    const reasons: string[] = definitions.QueueUnknown.enum
    const bindings: string[] = definitions.QueueBinding.enum
    const fields = ['QueueReport', 'AcceptQueue', 'SynQueue', 'WaitingListener'].flatMap((type) =>
      Object.keys(definitions[type].properties),
    )
    for (const word of [...reasons, ...bindings, ...fields]) expect(page).toContain(`\`${word}\``)
  })
})
