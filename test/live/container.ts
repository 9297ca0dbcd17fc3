/**
 * A real container, podman's with crun, of a static busybox: found with its name, its socket and its owner, from outside and
 * with nothing inside it but the program. Where no container can be made, a process in a container's cgroup and a network
 * namespace of its own. Which one it was is printed. As root in a network and a mount namespace: .ci/live.sh starts it.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeHost } from '../../src/app/node-host.ts'
import { snapshot } from '../../src/host/snapshot.ts'

const PORT = 8088
const NAME = `tcpwhy-live-${process.pid}`
const SERVE = `/bin/busybox ip link set lo up; exec /bin/busybox httpd -f -p 127.0.0.1:${PORT}`
const ENOUGH = 4096
const HYBRID = '/sys/fs/cgroup/unified'
const work = mkdtempSync(join(tmpdir(), 'tcpwhy-container-'))

interface Made {
  id: string
  names: readonly string[]
  pid: number
  remove: () => void
}

function run(program: string, ...args: string[]): { out: string; why: string | null } {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  return {
    out: (stdout ?? '').trim(),
    why: status === 0 ? null : (error?.message ?? stderr).trim(),
  }
}

/** Not podman's own limits: without CAP_SYS_RESOURCE they may only be lowered. */
function limit(name: string): string {
  const [, hard = ''] =
    new RegExp(`^${name} +\\S+ +(\\d+)`, 'm').exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  const lower = Math.min(Number(hard), ENOUGH)
  return `${lower}:${lower}`
}

function container(): Made | { why: string } {
  // crun takes v1 or v2, not both: in this mount namespace the second is covered.
  if (existsSync(HYBRID)) run('mount', '-t', 'tmpfs', 'none', HYBRID)
  mkdirSync(join(work, 'root/bin'), { recursive: true })
  copyFileSync('/bin/busybox', join(work, 'root/bin/busybox'))
  const places = ['--root', join(work, 'storage'), '--runroot', join(work, 'state')]
  const drivers = ['--runtime', 'crun', '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs']
  const podman = (...words: string[]) => run('podman', ...places, ...drivers, ...words)
  const ulimits = [
    ['nofile', 'Max open files'],
    ['nproc', 'Max processes'],
  ].flatMap(([name = '', text = '']) => ['--ulimit', `${name}=${limit(text)}`])
  const parents = run('sh', '-c', 'ls -d /sys/fs/cgroup/*/libpod_parent').out
  const started = podman(
    ...['run', '--detach', '--name', NAME, '--network', 'none', ...ulimits],
    ...['--rootfs', join(work, 'root'), '/bin/busybox', 'sh', '-c', SERVE],
  )
  const remove = () => {
    podman('rm', '--force', '--time', '0', NAME)
    // What podman leaves, as soon as its monitor has ended; one that was there before, or that is in use, stays.
    const tries = 'for i in $(seq 25); do rmdir $0/conmon $0; ls -d $0 || break; sleep 0.2; done'
    if (parents === '') run('bash', '-c', tries.replaceAll('$0', '/sys/fs/cgroup/*/libpod_parent'))
  }
  if (started.why !== null) {
    remove()
    return { why: started.why }
  }
  const pid = Number(podman('inspect', '--format', '{{.State.Pid}}', NAME).out)
  return { id: started.out, names: [NAME], pid, remove }
}

/** As podman names a cgroup, in the first hierarchy that may be written. */
function onlyItsCgroup(): Made {
  const id = Buffer.from(NAME.padEnd(32, 'x').slice(0, 32)).toString('hex')
  const tops = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup']
  const top = tops.find((path) => existsSync(join(path, 'cgroup.procs')))
  assert.ok(top !== undefined, 'no cgroups here')
  const folder = join(top, `libpod-${id}`)
  mkdirSync(folder)
  const server = spawn('unshare', ['--net', '/bin/busybox', 'sh', '-c', SERVE])
  writeFileSync(join(folder, 'cgroup.procs'), String(server.pid))
  const remove = () => {
    server.kill('SIGKILL')
    writeFileSync(join(top, 'cgroup.procs'), String(server.pid))
    rmdirSync(folder)
  }
  return { id, names: [], pid: server.pid!, remove }
}

async function check({ id, names, pid }: Made): Promise<void> {
  for (let tries = 50; ; tries--) {
    const seen = snapshot(nodeHost())
    const found = seen.namespaces.find(({ container: whose }) => whose?.id === id)
    const listener = found?.listeners.find(({ local }) => local.port === PORT)
    if (listener === undefined && tries > 0) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      continue
    }
    assert.ok(found !== undefined, 'its namespace was not found')
    assert.ok(found.pids.includes(pid), 'its process was not found')
    assert.deepEqual(found.container, { runtime: 'podman', id })
    assert.equal(found.source, 'netlink')
    assert.deepEqual(seen.containers.get(id) ?? [], names)
    assert.equal(listener?.holders[0]?.cgroup?.container?.id, id)
    assert.equal(listener?.waits, 'accept')
    return
  }
}

let made: Made | null = null
try {
  const tried = container()
  made = 'why' in tried ? onlyItsCgroup() : tried
  await check(made)
  const what =
    'why' in tried
      ? `no container can be made here (${tried.why}); a process in a container's cgroup`
      : `a container of podman and crun, ${NAME},`
  console.log(`${what} was found with its listener and owner`)
} finally {
  made?.remove()
  rmSync(work, { recursive: true, force: true })
}
