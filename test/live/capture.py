"""tcpwhy capture, for real: into named network namespaces and those of processes and containers, every trigger, and whatever ends
it. Wireshark's tshark must read what was written. In a network and a mount namespace of its own, as root: .ci/live.sh starts it."""
import glob
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HEADERS = ['node_modules/.bin/tsx', 'test/live/capture-headers.ts']
NETNS = f'tcpwhy-live-{os.getpid()}'
WORK = tempfile.mkdtemp(prefix='tcpwhy-live-')
PORT = 7700


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def inside(code, *args, wait=True):
    """Python in NETNS."""
    words = ['ip', 'netns', 'exec', NETNS, sys.executable, '-c', code, *map(str, args)]
    return run(*words) if wait else subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def packets(path, *fields, only=''):
    """What tshark makes of it; any complaint is a failure."""
    words = [word for field in fields for word in ('-e', field)]
    words += ['-Y', only] if only else []
    shown = subprocess.run(['tshark', '-n', '-r', path, '-T', 'fields', *words], capture_output=True, text=True)
    said = [line for line in shown.stderr.splitlines() if 'Running as user' not in line]
    assert shown.returncode == 0 and said == [], (shown.returncode, said)
    return [line.split('\t') for line in shown.stdout.splitlines()]


REFUSED = "import socket,sys\nfor _ in range(int(sys.argv[1])): socket.socket().connect_ex(('127.0.0.1', 9))"
RESET = """import socket,struct,sys
server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    peer.close()
    client.close()
"""


class Capture:
    """tcpwhy capture in a process of its own, listening. `said` is what it has said on standard error so far."""

    def __init__(self, *words, output='a.pcapng', where=('--netns', NETNS), folder=WORK, node=()):
        self.path = os.path.join(folder, output)
        if os.path.exists(self.path):
            os.remove(self.path)
        words = ['node', *node, 'bin/tcpwhy.js', 'capture', *where, '-w', self.path, *words]
        self.err = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.err, text=True)
        until(lambda: 'Capturing' in self.said or self.process.poll() is not None)
        # Its buffers take a moment; a packet that comes now is in the file.
        assert self.process.poll() is None, self.said
        self.helpers = children(self.process.pid)
        assert len(self.helpers) == 1, self.helpers

    @property
    def said(self):
        self.err.flush()
        # Lines are broken at 100 columns.
        return ' '.join(os.pread(self.err.fileno(), 100_000, 0).decode().split())

    def wait(self, code=0):
        out = self.process.communicate(timeout=60)[0]
        assert self.process.returncode == code, (self.process.returncode, self.said)
        gone(self.helpers)
        assert leftovers(os.path.dirname(self.path)) == []
        return out

    def end(self, how=signal.SIGTERM, code=0):
        self.process.send_signal(how)
        return self.wait(code)


def until(what, seconds=30):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, 'waited in vain'
        time.sleep(0.05)


def children(pid):
    names = [name for name in os.listdir('/proc') if name.isdigit()]
    return [int(name) for name in names if parent(name) == pid]


def parent(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return int(stat.read().rsplit(')', 1)[1].split()[1])
    except OSError:
        return None


def gone(pids):
    until(lambda: not any(os.path.exists(f'/proc/{pid}') for pid in pids))


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.startswith('tcpwhy-')]


# ---- headers for diagnose and snapshot ---------------------------------------------------------------------------


def headers_of_a_namespace():
    options = json.dumps({'netns': NETNS, 'forMs': 60_000, 'filter': 'tcp port 9', 'maxOctets': 2000})
    process = subprocess.Popen([*HEADERS, options], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'listening\n'
    inside(REFUSED, 100)
    result = json.loads(process.communicate()[0])
    # Full long before the minute is over, and whole.
    assert result['endedBy'] == 'full' and result['octets'] < 2600, result
    rows = packets(result['path'], 'frame.interface_name', 'tcp.flags.reset')
    assert len(rows) == result['packets'] > 0, (rows, result)
    assert {row[0] for row in rows} == {'lo'}, rows
    shutil.rmtree(os.path.dirname(result['path']))


def headers_of_nothing():
    result = run(*HEADERS, json.dumps({'netns': NETNS, 'forMs': 200})).splitlines()
    result = json.loads(result[1])
    assert result['packets'] == 0 and result['endedBy'] == 'time' and result['dropped'] == 0, result
    assert packets(result['path'], 'frame.number') == []
    shutil.rmtree(os.path.dirname(result['path']))


# ---- where -------------------------------------------------------------------------------------------------------


def sees_the_namespace_of(*where):
    capture = Capture('--port', '9', where=where)
    inside(REFUSED, 5)
    time.sleep(1.5)  # libpcap hands packets over once a second at the latest
    out = capture.end()
    rows = packets(capture.path, 'tcp.dstport', 'frame.len', 'frame.cap_len', only='tcp.flags.syn == 1')
    assert len(rows) == 5 and '10 packets in ' in out, (rows, out)


def in_a_named_namespace():
    sees_the_namespace_of('--netns', NETNS)


def in_the_namespace_of_a_process_without_changing_our_own():
    sleeper = inside('import sys; print(1, flush=True); sys.stdin.read()', wait=False)
    sleeper.stdout.readline()
    sees_the_namespace_of('--pid', str(sleeper.pid))
    sleeper.communicate()


def in_a_container_by_its_cgroup():
    """No runtime here: a process in a cgroup as Docker names them."""
    name = 'ab' * 32
    root = next((at for at in ('/sys/fs/cgroup/systemd', '/sys/fs/cgroup') if os.path.isdir(at)), None)
    folder = f'{root}/tcpwhy-live-{os.getpid()}'
    try:
        os.makedirs(f'{folder}/docker-{name}.scope')
    except OSError as error:
        print(f'capture: in a container by its cgroup: skipped, no cgroup can be made here ({error})')
        return
    sleeper = inside('import sys; print(1, flush=True); sys.stdin.read()', wait=False)
    sleeper.stdout.readline()
    try:
        with open(f'{folder}/docker-{name}.scope/cgroup.procs', 'w') as procs:
            procs.write(str(sleeper.pid))
        sees_the_namespace_of('--container', name[:12])
    finally:
        sleeper.communicate()
        os.rmdir(f'{folder}/docker-{name}.scope')
        os.rmdir(folder)


def in_a_real_container():
    """runc's, with nothing in it but busybox: found by its id in runc's files, and no tool of it is used."""
    bundle = os.path.join(WORK, 'bundle')
    os.makedirs(f'{bundle}/rootfs/bin')
    os.makedirs(f'{bundle}/rootfs/proc')
    shutil.copy(shutil.which('busybox'), f'{bundle}/rootfs/bin')
    run('runc', 'spec', '-b', bundle)
    with open(f'{bundle}/config.json') as file:
        config = json.load(file)
    busybox = '/bin/busybox'
    script = f'{busybox} ifconfig lo up; while {busybox} sleep 0.2; do {busybox} nc 127.0.0.1 9 2>&1; done >/dev/null'
    config['process'].update(terminal=False, args=[busybox, 'sh', '-c', script])
    config['process']['capabilities'] = {kind: ['CAP_NET_ADMIN'] for kind in ('bounding', 'effective', 'permitted')}
    with open(f'{bundle}/config.json', 'w') as file:
        json.dump(config, file)
    subprocess.run(['runc', 'run', '-d', '-b', bundle, NETNS], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        capture = Capture('--port', '9', '--for', '4s', where=('--container', NETNS))
        capture.wait()
        rows = packets(capture.path, 'tcp.dstport', only='tcp.flags.syn == 1')
        assert len(rows) > 3, rows
        assert 'of container ' in capture.said, capture.said
    finally:
        run('runc', 'delete', '--force', NETNS)


def in_a_container_of_podman_by_its_name():
    """With storage of its own: only podman's monitor tells the name."""
    root = os.path.join(WORK, 'podman-root')
    os.makedirs(f'{root}/bin')
    shutil.copy(shutil.which('busybox'), f'{root}/bin')
    # crun takes cgroups of version 1 or 2, not both: in this mount namespace the second is covered.
    if os.path.isdir('/sys/fs/cgroup/unified'):
        run('mount', '-t', 'tmpfs', 'none', '/sys/fs/cgroup/unified')
    # Without CAP_SYS_RESOURCE limits may only be lowered.
    limits = [f'--ulimit={name}={at}:{at}' for name, at in lower_limits()]
    podman = ['podman', '--root', f'{WORK}/storage', '--runroot', f'{WORK}/state', '--runtime', 'crun']
    podman += ['--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs']
    busybox = '/bin/busybox'
    script = f'{busybox} ip link set lo up; while {busybox} sleep 0.2; do {busybox} nc 127.0.0.1 9; done'
    words = ['run', '--detach', '--name', f'{NETNS}-shop', '--network', 'none', *limits, '--rootfs', root]
    had = glob.glob('/sys/fs/cgroup/*/libpod_parent')
    started = subprocess.run([*podman, *words, busybox, 'sh', '-c', script], capture_output=True, text=True)
    try:
        if started.returncode != 0:
            print(f'capture: podman starts no container here, so none was looked for: {started.stderr.strip()}')
            return
        capture = Capture('--port', '9', '--for', '4s', where=('--container', f'{NETNS}-shop'))
        capture.wait()
        assert len(packets(capture.path, 'tcp.dstport', only='tcp.flags.syn == 1')) > 3
    finally:
        subprocess.run([*podman, 'rm', '--force', '--time', '0', f'{NETNS}-shop'], capture_output=True)
        if not had:
            for _ in range(25):
                for folder in glob.glob('/sys/fs/cgroup/*/libpod_parent'):
                    subprocess.run(['rmdir', f'{folder}/conmon', folder], capture_output=True)
                if not glob.glob('/sys/fs/cgroup/*/libpod_parent'):
                    break
                time.sleep(0.2)


def lower_limits():
    for name, kind in (('nofile', resource.RLIMIT_NOFILE), ('nproc', resource.RLIMIT_NPROC)):
        hard = resource.getrlimit(kind)[1]
        yield name, 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)


def what_is_not_there_is_said():
    for words, code in [
        (['-i', 'nope0'], 'CAPTURE_NO_INTERFACE'),
        (['tcp', 'prot', '4'], 'CAPTURE_BAD_FILTER'),
        (['--netns', 'no-such'], 'TARGET_NOT_FOUND'),
        (['--container', 'no-such'], 'TARGET_NOT_FOUND'),
        (['--pid', '99999999'], 'TARGET_NOT_FOUND'),
    ]:
        path = os.path.join(WORK, 'no.pcapng')
        ended = subprocess.run(['node', 'bin/tcpwhy.js', 'capture', *words, '-w', path, '--for', '1s'], capture_output=True, text=True)
        assert ended.returncode == 2 and f'[{code}]' in ended.stderr, ended
        assert len(ended.stderr.splitlines()) == 2 and not os.path.exists(path), ended.stderr


def without_the_right_to_it_that_is_said():
    for where in ([], ['--netns', NETNS]):
        words = ['node', 'bin/tcpwhy.js', 'capture', *where, '-w', '/dev/null', '--for', '1s']
        ended = subprocess.run(['setpriv', '--bounding-set=-all', *words], capture_output=True, text=True)
        assert ended.returncode == 2 and '[CAPTURE_NOT_PERMITTED]' in ended.stderr, ended


def without_native_addons():
    """nsenter enters then, and tcpdump's own stream is read."""
    capture = Capture('--port', '9', '--trigger', 'reset-burst:5', '--tail', '1s', node=['--no-addons'])
    inside(RESET, 9, 5)
    until(lambda: 'Trigger' in capture.said)
    capture.wait()
    assert len(packets(capture.path, 'frame.number', only='tcp.flags.syn == 1')) == 10


def tcpdump_runs_as_nobody_special():
    capture = Capture()
    with open(f'/proc/{capture.helpers[0]}/status') as status:
        found = dict(line.split(':\t', 1) for line in status.read().splitlines() if ':\t' in line)
    capture.end()
    # Where the user tcpdump exists: that user, and CAP_NET_RAW (bit 13) alone.
    if subprocess.run(['id', 'tcpdump'], capture_output=True).returncode == 0:
        assert found['Uid'].split()[0] != '0' and int(found['CapEff'], 16) == 1 << 13, found


# ---- triggers ----------------------------------------------------------------------------------------------------


def fired(capture, *said):
    until(lambda: 'Trigger: ' in capture.said)
    out = capture.wait()
    for words in said:
        assert words in capture.said, capture.said
    moments = packets(capture.path, 'frame.comment', only='frame.comment contains "Trigger: "')
    return out, moments


def by_a_burst_of_resets_but_not_of_refusals():
    capture = Capture('--trigger', 'reset-burst:20/5s', '--tail', '1s')
    inside(REFUSED, 200)
    time.sleep(2)
    assert 'Trigger' not in capture.said, capture.said
    inside(RESET, PORT, 25)
    out, moments = fired(capture, '20 connections were reset within 5 s')
    assert len(moments) == 1, moments
    # The ring had the refusals of before.
    assert len(packets(capture.path, 'frame.number', only='tcp.port == 9')) == 400
    assert out.startswith('5') and out.endswith(f'  tcpwhy {capture.path}\n'), out


def by_a_full_accept_queue():
    capture = Capture('--trigger', 'overflow', '--tail', '1s')
    inside("""import socket,time
server = socket.socket(); server.bind(('127.0.0.1', 0)); server.listen(1)
clients = [socket.socket() for _ in range(8)]
for one in clients: one.setblocking(False); one.connect_ex(server.getsockname())
time.sleep(2)""")
    fired(capture, 'ListenOverflows rose by')


def by_close_wait():
    capture = Capture('--trigger', 'close-wait:5', '--tail', '1s')
    holder = inside("""import socket,sys
server = socket.create_server(('127.0.0.1', 0))
kept = []
for _ in range(6):
    client = socket.create_connection(server.getsockname()); kept.append(server.accept()[0]); client.close()
sys.stdin.read()""", wait=False)
    fired(capture, '6 sockets in CLOSE-WAIT (limit 5), most of them held by', f'(pid {holder.pid})')
    holder.communicate()


def by_a_log_through_rotation_and_truncation():
    log = os.path.join(WORK, 'app.log')

    def write(text, mode='a'):
        with open(log, mode) as file:
            file.write(text)

    write('connection reset: before it began\n')
    capture = Capture('--trigger', f'log:{log}:connection reset', '--tail', '100ms', '--times', '3')
    time.sleep(1.5)
    assert 'Trigger' not in capture.said, capture.said
    write('connection res')
    time.sleep(1.5)
    assert 'Trigger' not in capture.said, capture.said
    write('et: first\n')
    until(lambda: 'connection reset: first' in capture.said)
    os.rename(log, log + '.1')
    write('connection reset: rotated\n')
    until(lambda: 'connection reset: rotated' in capture.said)
    until(lambda: os.path.exists(capture.path.replace('.pcapng', '-2.pcapng')))
    write('connection reset: cut\n', 'w')
    until(lambda: 'connection reset: cut' in capture.said)
    capture.wait()
    for name in ['a.pcapng', 'a-2.pcapng', 'a-3.pcapng']:
        packets(os.path.join(WORK, name), 'frame.number')
        os.remove(os.path.join(WORK, name))


def not_by_a_pattern_that_never_ends():
    log = os.path.join(WORK, 'evil.log')
    open(log, 'w').close()
    capture = Capture('--trigger', f'log:{log}:^(a+)+$')
    with open(log, 'a') as file:
        file.write('a' * 60 + 'b\n')
    until(lambda: 'takes too long' in capture.said)
    with open(log, 'a') as file:
        file.write('aaa\n')
    until(lambda: 'Trigger' in capture.said)
    capture.end()


# ---- the ring, and its end ---------------------------------------------------------------------------------------


def a_ring_is_bounded():
    capture = Capture('--ring', '1h', '--max-size', '4m', '--full')
    (folder,) = [os.path.join(WORK, name) for name in leftovers(WORK)]
    flood = inside("""import socket,threading
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname()); peer = server.accept()[0]
threading.Thread(target=lambda: [client.sendall(bytes(1000)) for _ in range(30000)] and client.close()).start()
while peer.recv(65536): pass""", wait=False)
    sizes = []

    def is_full():
        pieces = glob.glob(f'{folder}/*')
        size = sum(size_of(piece) for piece in pieces)
        # Only where no piece came or went meanwhile.
        if sorted(pieces) == sorted(glob.glob(f'{folder}/*')):
            sizes.append(size)
        for piece in pieces[:1]:
            check_piece(piece)
        return '--max-size' in capture.said

    until(is_full)
    flood.communicate()
    most = max(sizes)
    capture.end()
    assert 2_000_000 < most <= 4_000_000, most
    assert 2_000_000 < os.path.getsize(capture.path) <= 4_000_000
    packets(capture.path, 'frame.number')


def size_of(piece):
    try:
        return os.path.getsize(piece)
    except FileNotFoundError:
        return 0


def check_piece(piece):
    """Valid at any moment: blocks that fit, up to the end."""
    try:
        with open(piece, 'rb') as file:
            octets = file.read()
    except FileNotFoundError:
        return
    at = 0
    while at < len(octets):
        (length,) = struct.unpack_from('<I', octets, at + 4)
        assert length >= 12 and struct.unpack_from('<I', octets, at + length - 4) == (length,), (piece, at)
        at += length
    assert at == len(octets)


def ended_by(how):
    capture = Capture('--ring', '1m', '--trigger', 'overflow')
    inside(REFUSED, 5)
    time.sleep(1.5)
    capture.end(how)
    assert len(packets(capture.path, 'frame.number')) == 10
    assert 'No trigger fired' in capture.said


def ended_by_sigterm():
    ended_by(signal.SIGTERM)


def ended_by_ctrl_c():
    ended_by(signal.SIGINT)


def ended_by_a_terminal_that_goes():
    ended_by(signal.SIGHUP)


def ended_by_the_death_of_tcpdump():
    capture = Capture()
    inside(REFUSED, 5)
    time.sleep(1.5)
    os.kill(capture.helpers[0], signal.SIGKILL)
    capture.wait(code=2)
    assert 'ended from outside' in capture.said
    assert len(packets(capture.path, 'frame.number')) == 10


def a_full_disk(*words):
    disk = os.path.join(WORK, 'disk')
    os.makedirs(disk, exist_ok=True)
    run('mount', '-t', 'tmpfs', '-o', 'size=256k', 'none', disk)
    try:
        capture = Capture(*words, folder=disk)
        inside(REFUSED, 3000)
        capture.wait(code=2)
        assert 'the disk is full' in capture.said, capture.said
        assert len(packets(capture.path, 'frame.number')) > 500
    finally:
        run('umount', disk)


def ended_by_a_full_disk():
    a_full_disk()


def a_ring_on_a_full_disk():
    a_full_disk('--ring', '1m')


def kill_9_leaves_no_process_and_the_next_run_clears_up():
    capture = Capture('--ring', '1m')
    straight = Capture(output='b.pcapng')
    for one in (capture, straight):
        one.process.kill()
        one.process.wait()
        gone(one.helpers)
    assert len(leftovers(WORK)) == 1
    packets(straight.path, 'frame.number')
    other = os.path.join(WORK, f'tcpwhy-{os.getpid()}-1')  # a process that lives, with another start time
    os.mkdir(other)
    mine = os.path.join(WORK, 'tcpwhy-notes')
    os.mkdir(mine)
    after = Capture('--ring', '1m')
    assert not os.path.exists(other) and os.path.exists(mine)
    after.process.send_signal(signal.SIGTERM)
    after.process.wait()
    os.rmdir(mine)
    assert leftovers(WORK) == []


def to_a_pipe_that_closes():
    words = ['node', 'bin/tcpwhy.js', 'capture', '--netns', NETNS, '-w', '-', '--quiet']
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.read(4) == b'\x0a\x0d\x0d\x0a'
    process.stdout.close()
    inside(REFUSED, 5)
    assert process.wait(30) == 0, process.stderr.read()


def what_is_there_is_not_written_over():
    path = os.path.join(WORK, 'evidence.pcapng')
    with open(path, 'w') as file:
        file.write('evidence')
    for more in ([], ['--ring', '1m']):
        words = ['node', 'bin/tcpwhy.js', 'capture', '--netns', NETNS, '-w', path, '--for', '1s', *more]
        ended = subprocess.run(words, capture_output=True, text=True)
        assert ended.returncode == 2 and 'OUTPUT_UNWRITABLE' in ended.stderr, ended
        with open(path) as file:
            assert file.read() == 'evidence'
    assert leftovers(WORK) == []


def and_says_what_is_in_it():
    capture = Capture('--for', '4s', '--analyze')
    inside(REFUSED, 5)
    assert 'port-closed' in capture.wait(code=1)


TESTS = [
    headers_of_a_namespace,
    headers_of_nothing,
    in_a_named_namespace,
    in_the_namespace_of_a_process_without_changing_our_own,
    in_a_container_by_its_cgroup,
    in_a_real_container,
    in_a_container_of_podman_by_its_name,
    what_is_not_there_is_said,
    tcpdump_runs_as_nobody_special,
    without_native_addons,
    without_the_right_to_it_that_is_said,
    by_a_burst_of_resets_but_not_of_refusals,
    by_a_full_accept_queue,
    by_close_wait,
    by_a_log_through_rotation_and_truncation,
    not_by_a_pattern_that_never_ends,
    a_ring_is_bounded,
    ended_by_sigterm,
    ended_by_ctrl_c,
    ended_by_a_terminal_that_goes,
    ended_by_the_death_of_tcpdump,
    ended_by_a_full_disk,
    a_ring_on_a_full_disk,
    kill_9_leaves_no_process_and_the_next_run_clears_up,
    to_a_pipe_that_closes,
    what_is_there_is_not_written_over,
    and_says_what_is_in_it,
]


def main():
    wanted = sys.argv[1:]
    run('ip', 'netns', 'add', NETNS)
    try:
        run('ip', '-n', NETNS, 'link', 'set', 'lo', 'up')
        for test in TESTS:
            if wanted and test.__name__ not in wanted:
                continue
            test()
            print(f'capture: {test.__name__.replace("_", " ")}', flush=True)
    finally:
        run('ip', 'netns', 'del', NETNS)
        shutil.rmtree(WORK, ignore_errors=True)


socket.setdefaulttimeout(30)
main()
