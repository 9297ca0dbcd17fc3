import { expect, test } from 'vitest'
import { hostWith } from '../../test/helpers/recorded-host.ts'
import { containerNames } from './containers.ts'

const ID = 'ab'.repeat(32)
const names = (files: Record<string, string>) =>
  containerNames(hostWith({ files }), new Map([[ID, 9]])).get(ID)

// In the form of moby daemon's config.v2.json and of containers/storage's containers.json.
test('of Docker and of podman, from their files', () => {
  const docker = {
    [`/var/lib/docker/containers/${ID}/config.v2.json`]: '{"Name":"/web","State":{"Pid":9}}',
  }
  expect(names(docker)).toEqual(['web'])
  const list = JSON.stringify([{ id: ID, names: ['api'] }])
  expect(names({ '/var/lib/containers/storage/vfs-containers/containers.json': list })).toEqual([
    'api',
  ])
})

test('of podman from its monitor, wherever it keeps its files', () => {
  const monitor = {
    '/proc/9/status': 'Name:\tapp\nPPid:\t8\n',
    '/proc/9/comm': 'app\n',
    '/proc/8/comm': 'conmon\n',
    '/proc/8/cmdline': ['conmon', '--api-version', '1', '-c', ID, '-u', ID, '-n', 'db'].join('\0'),
  }
  expect(names(monitor)).toEqual(['db'])
  expect(names({ ...monitor, '/proc/8/cmdline': 'conmon\0-c\0cd\0-n\0other\0' })).toBeUndefined()
})

test('nobody knows it: no name', () => {
  expect(names({ '/proc/9/comm': 'app\n' })).toBeUndefined()
})
