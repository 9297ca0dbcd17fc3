import { describe, expect, test } from 'vitest'
import { type Changes, hostWith } from '../../../test/helpers/recorded-host.ts'
import { resolveTarget, type TargetAsk } from './target.ts'

const WEB = `0123abcd${'0'.repeat(56)}`
const API = `0123ffff${'0'.repeat(56)}`
const POD = `beef${'1'.repeat(60)}`
const PODMAN = `cafe${'2'.repeat(60)}`

/** docker's, containerd's and podman's files, each as it writes them, shortened. */
const files: Changes['files'] = {
  [`/var/lib/docker/containers/${WEB}/config.v2.json`]: JSON.stringify({
    ID: WEB,
    Name: '/web',
    State: { Running: true, Pid: 71 },
    Config: { Hostname: '0123abcd0000' },
  }),
  [`/var/lib/docker/containers/${API}/config.v2.json`]: JSON.stringify({
    Name: '/api',
    State: { Running: false, Pid: 0 },
  }),
  [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${POD}/init.pid`]: '73',
  [`/run/containerd/io.containerd.runtime.v2.task/k8s.io/${POD}/config.json`]: JSON.stringify({
    hostname: 'shop-6d5f',
    annotations: {
      'io.kubernetes.cri.container-name': 'shop',
      'io.kubernetes.cri.sandbox-name': 'shop-6d5f',
    },
  }),
  '/var/lib/containers/storage/overlay-containers/containers.json': JSON.stringify([
    { id: PODMAN, names: ['jars'] },
  ]),
  [`/run/crun/${PODMAN}/status`]: JSON.stringify({ pid: 74 }),
  '/proc/1/cgroup': '0::/init.scope\n',
  '/proc/71/cgroup': `0::/system.slice/docker-${WEB}.scope\n`,
  '/proc/72/cgroup': `0::/system.slice/docker-${API}.scope\n`,
  '/proc/73/cgroup': '0::/kubepods.slice/cri\n',
  '/proc/74/cgroup': '0::/\n',
  '/proc/75/cgroup': '0::/user.slice\n',
  '/proc/75/root/etc/hostname': 'handmade\n',
  '/proc/76/cgroup': '0::/user.slice\n',
  '/run/netns/blue': '',
}
const links = {
  '/proc/self/ns/uts': 'uts:[1]',
  '/proc/75/ns/uts': 'uts:[5]',
  '/proc/76/ns/uts': 'uts:[1]',
}
const inodes = Object.fromEntries([
  ['/run/netns/blue', 100],
  ...[71, 72, 73, 74, 75, 76].map((pid) => [`/proc/${pid}/ns/net`, 4_000 + pid]),
])

test.each([{ pid: 71 }, { netns: 'blue' }, { container: 'web' }])(
  'a network of Linux is not looked for elsewhere: %o',
  (ask) => {
    const host = hostWith({ files, links, inodes, platform: 'darwin' })
    expect(() => resolveTarget(host, ask)).toThrow(/names a network of Linux; this is darwin/)
    expect(resolveTarget(host, {}).netns).toBe(null)
  },
)

function resolve(ask: TargetAsk, over: Changes = {}) {
  return resolveTarget(hostWith({ files: { ...files, ...over.files }, links, inodes }), ask)
}

describe('a container is found', () => {
  test.each([
    ['by docker’s name', 'web', 71],
    ['by docker’s name with its slash', '/web', 71],
    ['by the beginning of its id', '0123ab', 71],
    ['by its cgroup, where the runtime’s file does not tell', '0123ff', 72],
    ['by the name of a Kubernetes container', 'shop', 73],
    ['by the name of its pod', 'shop-6d5f', 73],
    ['by podman’s name', 'jars', 74],
    ['by its host name, as the last resort', 'handmade', 75],
  ])('%s', (_, container, pid) => {
    expect(resolve({ container })).toMatchObject({ pid, netns: `/proc/${pid}/ns/net` })
  })
})

function failure(ask: TargetAsk, over: Changes = {}) {
  try {
    resolve(ask, over)
  } catch (error) {
    return error as { code: string; message: string; todo: string }
  }
  throw new Error('it was found')
}

describe('what is not found, or not one, is told with candidates', () => {
  test('no such container', () => {
    const { code, todo } = failure({ container: 'db' })
    expect(code).toBe('TARGET_NOT_FOUND')
    expect(todo).toContain('0123abcd0000 web (pid 71)')
    expect(todo).toContain('handmade')
  })

  test('an id that two begin with', () => {
    const { code, todo } = failure({ container: '0123' })
    expect(code).toBe('TARGET_AMBIGUOUS')
    expect(todo).toContain('0123abcd0000 web (pid 71), 0123ffff0000 (pid 72)')
  })

  test('a container that has ended', () => {
    expect(failure({ container: 'api' }).code).toBe('TARGET_NOT_FOUND')
  })

  test('files that are no JSON, or another JSON', () => {
    const path = `/var/lib/docker/containers/${WEB}/config.v2.json`
    for (const text of ['{"Name": ', 'null', '[]', '{"State": 5, "Name": {}}']) {
      expect(resolve({ container: '0123abcd' }, { files: { [path]: text } }).pid).toBe(71)
    }
  })

  test('no such process', () => {
    expect(failure({ pid: 999 }).message).toBe('There is no process 999')
  })

  test('no such name: those that there are', () => {
    expect(failure({ netns: 'green' }).todo).toBe('Those with a name are: blue.')
  })
})

test('a name of ip netns, a path, a process, and this host', () => {
  expect(resolve({ netns: 'blue' }).netns).toBe('/run/netns/blue')
  expect(resolve({ netns: '/proc/74/ns/net' }).netns).toBe('/proc/74/ns/net')
  expect(resolve({ pid: 76 })).toEqual({ netns: '/proc/76/ns/net', pid: 76, label: 'process 76' })
  expect(resolve({})).toEqual({ netns: null, pid: null, label: 'this host' })
})
