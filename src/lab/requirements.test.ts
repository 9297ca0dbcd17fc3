import { describe, expect, test } from 'vitest'
import { checkMachine, type Machine, missingPackages, useSystemFolders } from './requirements.ts'
import { scenarios } from './scenarios/index.ts'

const complete: Machine = { platform: 'linux', isRoot: true, has: () => true }
const backlog = scenarios.find(({ id }) => id === 'listen-backlog')!
const [variant] = backlog.variants
const without = (...gone: string[]): Machine => ({
  ...complete,
  has: (name) => !gone.includes(name),
})

describe('what a machine lacks', () => {
  test('nothing', () => {
    expect(missingPackages(complete, backlog, variant)).toEqual([])
    expect(() => checkMachine(complete, backlog, variant, { touchHost: false })).not.toThrow()
  })

  test('packages, each once, in one line that can be pasted', () => {
    const machine = without('ip', 'ss', 'nginx', 'tcpdump')
    expect(missingPackages(machine, backlog, variant)).toEqual([
      'iproute2',
      'nginx-light',
      'tcpdump',
    ])
    expect(complaint(machine)).toBe(
      'sudo apt-get install -y --no-install-recommends iproute2 nginx-light tcpdump',
    )
  })

  test('Linux, root', () => {
    expect(complaint({ ...complete, platform: 'darwin' })).toMatch(/Linux/)
    expect(complaint({ ...complete, isRoot: false })).toMatch(/sudo/)
  })

  test('a setting of the whole machine, unless that is allowed', () => {
    const story = scenarios.find(({ id }) => id === 'conntrack-full')!
    const play = (touchHost: boolean) => () =>
      checkMachine(complete, story, story.variants[0], { touchHost })
    expect(play(false)).toThrow('net.netfilter.nf_conntrack_max')
    expect(play(true)).not.toThrow()
  })

  function complaint(machine: Machine): string {
    try {
      checkMachine(machine, backlog, variant, { touchHost: false })
    } catch (error) {
      return (error as { todo: string }).todo
    }
    return ''
  }
})

test("after su, whose PATH has no /usr/sbin, the programs there are started too; nobody's order changes", () => {
  const env = { PATH: '/opt/x:/usr/bin:/bin' }
  useSystemFolders(env)
  expect(env.PATH).toBe('/opt/x:/usr/bin:/bin:/usr/sbin:/sbin')
  useSystemFolders(env)
  expect(env.PATH).toBe('/opt/x:/usr/bin:/bin:/usr/sbin:/sbin')
})
