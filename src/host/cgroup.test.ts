import { expect, test } from 'vitest'
import { cgroupOf } from './cgroup.ts'

const ID = '0123456789abcdef'.repeat(4)
const POD = '11112222-3333-4444-5555-666677778888'
const POD_ = POD.replaceAll('-', '_')

const none = { container: null, pod: null, unit: null }

test.each([
  [
    'v2: a service',
    '0::/system.slice/nginx.service\n',
    { version: 2, ...none, unit: 'nginx.service' },
  ],
  [
    'v2: docker under systemd',
    `0::/system.slice/docker-${ID}.scope\n`,
    { version: 2, ...none, container: { runtime: 'docker', id: ID }, unit: `docker-${ID}.scope` },
  ],
  [
    'v1: docker with cgroupfs',
    `12:pids:/docker/${ID}\n1:name=systemd:/docker/${ID}\n0::/\n`,
    { version: 1, ...none, container: { runtime: 'docker', id: ID } },
  ],
  [
    'v2: containerd in a pod',
    `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${POD_}.slice/cri-containerd-${ID}.scope\n`,
    {
      version: 2,
      container: { runtime: 'containerd', id: ID },
      pod: POD,
      unit: `cri-containerd-${ID}.scope`,
    },
  ],
  [
    'v1: a pod with cgroupfs, only the memory hierarchy says it',
    `4:memory:/kubepods/besteffort/pod${POD}/${ID}\n1:name=systemd:/\n0::/\n`,
    { version: 1, container: { runtime: 'kubernetes', id: ID }, pod: POD, unit: null },
  ],
  [
    'v2: podman, in its own folder below the scope',
    `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container\n`,
    { version: 2, ...none, container: { runtime: 'podman', id: ID }, unit: `libpod-${ID}.scope` },
  ],
  ['v2: the root', '0::/\n', { version: 2, path: '/', ...none }],
  [
    'v1: several controllers in one hierarchy',
    '3:cpu,cpuacct:/a\n',
    { version: 1, path: '/a', ...none },
  ],
  ["podman's own monitor is no container", `0::/libpod-conmon-${ID}.scope\n`, { container: null }],
])('%s', (_, text, expected) => {
  expect(cgroupOf(text)).toMatchObject(expected)
})

test.each(['', 'x', '::', '0::', '1:a', 'a:b:/c', '0:a', '\0\0:::\n/'])(
  'no cgroup in %j',
  (text) => {
    expect(cgroupOf(text)).toBeNull()
  },
)
