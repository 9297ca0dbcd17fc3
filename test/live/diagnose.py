"""`tcpwhy diagnose` against this kernel: a host on which everything goes wrong at once, each wrong made for real by a process of
its own, must be told with its cause, its process and no other; a host that is only busy must be called healthy.
In a network namespace of its own, as root there: .ci/live.sh starts it."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

# Trace events know no namespace, and loopback is in every one: an address of our own keeps others' events out.
HERE = f'10.222.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}'
NOBODY = HERE[:HERE.rindex('.')] + '.254'
FOR_S = 4
LATER_S = 5.5  # in the middle of the watch: what happens once happens then
IP_LOCAL_PORT_RANGE = 51  # include/uapi/linux/in.h, Linux 6.3
LINGER_0 = struct.pack('ii', 1, 0)


def listener(port, backlog=50):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HERE, port))
    server.listen(backlog)
    return server


def connected(port, server):
    client = socket.create_connection((HERE, port), timeout=5)
    accepted, _ = server.accept()
    return client, accepted


def full_queue(port):
    """Nobody accepts."""
    server, clients = listener(port, 4), []
    while True:
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((HERE, port))
        clients = clients[-100:] + [client]
        time.sleep(0.1)
        server.fileno()


def close_wait(port):
    """Its peers have closed, it does not."""
    server, held = listener(port), []
    for _ in range(6):
        client, accepted = connected(port, server)
        held.append(accepted)
        client.close()
    time.sleep(60)


def no_descriptors(port):
    """As many connections as its limit allows, and more come."""
    import resource
    server = listener(port)
    if os.fork() == 0:
        server.close()
        clients = [socket.create_connection((HERE, port)) for _ in range(40)]
        time.sleep(60)
        sys.exit(len(clients))
    resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
    held = []
    while True:
        try:
            held.append(server.accept())
        except OSError:
            time.sleep(0.1)


def unread(port):
    """Closes with the request unread."""
    server = listener(port)
    while True:
        client, accepted = connected(port, server)
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        time.sleep(0.1)
        accepted.close()
        time.sleep(0.2)
        client.close()


def linger(port):
    """SO_LINGER with 0 s."""
    server = listener(port)
    while True:
        client, accepted = connected(port, server)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        accepted.close()
        time.sleep(0.3)
        client.close()


def closes_listener(port):
    """Closes its listener while connections wait in the queue."""
    server = listener(port)
    clients = [socket.create_connection((HERE, port)) for _ in range(5)]
    time.sleep(LATER_S)
    server.close()
    time.sleep(60)
    return clients


def killed(port):
    """Killed with requests unread."""
    server = listener(port)
    clients = []
    for _ in range(4):
        client, accepted = connected(port, server)
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        clients.append((client, accepted))
    time.sleep(LATER_S)
    os.kill(os.getpid(), signal.SIGKILL)


def refused(port):
    """A client of a port at which nobody listens."""
    while True:
        socket.socket().connect_ex((HERE, port))
        time.sleep(0.2)


def no_ports(port):
    """Its sockets may use two local ports and it wants three connections."""
    server = listener(port)
    held = []
    while True:
        client = socket.socket()
        client.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE, struct.pack('=HH', 60_998, 60_999))
        if client.connect_ex((HERE, port)) == 0:
            held.append((client, server.accept()))
        time.sleep(0.2)


def reads_nothing(port):
    """Accepts, and reads no request."""
    server = listener(port)
    held = []
    for _ in range(4):
        client, accepted = connected(port, server)
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        held.append((client, accepted))
    time.sleep(60)


def full_buffer(port):
    """A client that does not read what comes."""
    server = listener(port)
    pid = os.fork()
    if pid == 0:
        accepted, _ = server.accept()
        server.close()
        accepted.sendall(bytes(20_000_000))
        sys.exit(0)
    server.close()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    client.connect((HERE, port))
    time.sleep(60)


def filtered(port):
    """A client whose SYNs are dropped on the way."""
    drop(port)
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex((HERE, port))
    time.sleep(60)


def silent(port):
    """The same towards an address where nobody is: no rule of this host has a part in it."""
    time.sleep(0.3)
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex((NOBODY, port))
    time.sleep(60)


def lost(port):
    """Sends, and nothing comes back any more."""
    server = listener(port)
    client, _ = connected(port, server)
    drop(port)
    client.sendall(b'GET / HTTP/1.1\r\n\r\n')
    time.sleep(60)


def keeps_sending(port):
    """Sends on what its peer has closed."""
    server = listener(port)
    while True:
        client, accepted = connected(port, server)
        accepted.close()
        time.sleep(0.05)
        try:
            client.sendall(b'x')
        except OSError:
            pass
        time.sleep(0.25)
        client.close()


def probes(port):
    """Keepalive, and the path is gone."""
    server = listener(port)
    held = [connected(port, server) for _ in range(8)]
    for i, (client, _) in enumerate(held):  # one gives up each second, whenever the watch begins
        for option, value in ((socket.TCP_KEEPIDLE, 2 + i), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 2)):
            client.setsockopt(socket.IPPROTO_TCP, option, value)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    drop(port)
    time.sleep(60)


def destroyed(port):
    """Somebody runs ss -K."""
    server = listener(port)
    held = [connected(port, server) for _ in range(3)]
    time.sleep(LATER_S)
    subprocess.run(['ss', '-K', 'sport', '=', f':{port}'], check=True, stdout=subprocess.DEVNULL)
    time.sleep(60)
    return held


def drop(port):
    rule = f'tcp dport {port} drop'
    subprocess.run(['nft', f'add rule inet live input {rule}'], check=True)


# cause, certainty at least, whether the process must be the one that did it
SICK = [
    (full_queue, 'accept-queue-overflow', 'confirmed', True),
    (close_wait, 'close-wait-leak', 'confirmed', True),
    (no_descriptors, 'descriptor-exhaustion', 'confirmed', True),
    (unread, 'close-with-unread-data', 'confirmed', True),
    (linger, 'linger-zero', 'confirmed', True),
    (closes_listener, 'listener-closed', 'confirmed', True),
    (killed, 'process-killed', 'confirmed', True),
    (refused, 'port-closed', 'confirmed', False),
    (no_ports, 'ephemeral-ports-exhausted', 'confirmed', True),
    (reads_nothing, 'server-stalled', 'confirmed', True),
    (full_buffer, 'zero-window-stall', 'likely', True),
    (filtered, 'connect-filtered', 'likely', False),
    (silent, 'connect-filtered', 'possible', False),
    (lost, 'path-lost', 'likely', False),
    (keeps_sending, 'data-after-close', 'confirmed', False),
    (probes, 'keepalive-timeout', 'confirmed', False),
    (destroyed, 'admin-kill', 'confirmed', False),
]
CERTAINTIES = ['possible', 'likely', 'confirmed']


def start(scene, port):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        try:
            scene(port)
        finally:
            os._exit(0)
    return pid


def stop(pid):
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.waitpid(pid, 0)


def diagnose():
    own = f'/proc/{os.getpid()}/ns/net'
    command = ['node', 'bin/tcpwhy.js', 'diagnose', '--json', '--for', f'{FOR_S}s', '--no-packets', '--netns', own]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 2, done.stderr
    return json.loads(done.stdout), done.returncode


def everything_wrong():
    started = {}
    try:
        for i, (scene, *_) in enumerate(SICK):
            started[scene] = start(scene, 8100 + i)
        time.sleep(4)  # as long as SYNs and data must be repeated, and CLOSE-WAIT must last, to be told
        report, code = diagnose()
    finally:
        for pid in started.values():
            stop(pid)
    assert code == 1 and report['verdict'] == 'problem', (code, report['verdict'])
    wrong = [w for row in SICK if (w := missed(row, report, started))]
    lost = report['hosts'][0]['eventsLost']
    assert not wrong, '\n'.join([*wrong, f'{lost} events were lost'])
    whose_rule(report)
    assert full_places(report) == ['/var/tmp'], report['hosts'][0]['notices']
    full = listener_of(report['hosts'][0], 8100)['rates']
    assert (full['newPerSecond'], full['acceptedPerSecond']) == (0, 0), f'nobody accepts, its queue is full: {full}'
    return len(SICK)


def whose_rule(report):
    """A rule of this host by its handle; the same silence from nobody at all is not laid at its door."""
    found = [f for f in report['findings'] if f['cause'] == 'connect-filtered']
    own = [f for f in found if HERE in f['title']]
    assert [f.get('variant') for f in own] == ['own-filter'] and 'inet live input handle' in own[0]['culprit']['setting'], own
    silence = [f for f in found if NOBODY in f['title']]
    assert [(f['certainty'], f.get('variant'), f['culprit']['side']) for f in silence] == [('possible', None, 'network')], silence


def missed(row, report, started):
    scene, cause, least, by_it = row
    pid = started[scene]
    found = [f for f in report['findings'] if f['cause'] == cause]
    sure = [f for f in found if CERTAINTIES.index(f['certainty']) >= CERTAINTIES.index(least)]
    own = [f for f in sure if not by_it or f['culprit'].get('process', {}).get('pid') == pid]
    if own:
        return None
    told = [(f['certainty'], f['culprit'], f['title']) for f in found]
    return f'{scene.__name__} (pid {pid}): {cause} {least} is not told; of it there is {told}'


def busy(port):
    """Short connections, kept connections, a client that leaves, all as it should be."""
    server = listener(port, 511)
    kept = [connected(port, server) for _ in range(20)]
    until = time.time() + 60  # it is stopped before, however slow this machine is
    while time.time() < until:
        for client, accepted in kept[:5]:
            client.sendall(b'ping')
            accepted.sendall(accepted.recv(100))
            client.recv(100)
        client, accepted = connected(port, server)
        client.sendall(b'GET / HTTP/1.0\r\n\r\n')
        accepted.recv(100)
        accepted.sendall(bytes(1000))
        accepted.close()
        while client.recv(65_536):
            pass
        client.close()
        time.sleep(0.002)


def only_busy():
    pid = start(busy, 8200)
    try:
        time.sleep(1)
        report, code = diagnose()
    finally:
        stop(pid)
    told = [(f['cause'], f['title']) for f in report['findings']]
    assert code == 0 and report['verdict'] in ('healthy', 'benign'), (report['headline'], told)
    came_and_were_taken(report['hosts'][0])
    assert full_places(report) == [], report['hosts'][0]['notices']


def full_places(report):
    """Of the machine's own disks nothing is known here: of /var/tmp it is (see fill)."""
    texts = [n['text'] for n in report['hosts'][0]['notices'] if n['what'] == 'disk-full']
    return ['/var/tmp' for text in texts if ' /var/tmp ' in text]


def fill(folder):
    """In a mount namespace of our own."""
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', folder], check=True)
    try:
        with open(f'{folder}/log', 'wb') as log:
            log.write(bytes(2_000_000))
    except OSError:
        pass


def came_and_were_taken(host):
    """What the kernel's events tell of the one listener is what the namespace's own counter says (TcpPassiveOpens)."""
    rates = listener_of(host, 8200)['rates']
    counted = host['rates']['accepted']
    assert counted > 0 and 0.8 < rates['newPerSecond'] / counted < 1.25, (rates, counted)
    off = abs(rates['acceptedPerSecond'] - rates['newPerSecond'])
    assert off <= 0.1 * rates['newPerSecond'] + rates['acceptedWithin'], rates


def listener_of(host, port):
    return next(one for one in host['listeners'] if one['local'].endswith(f':{port}'))


def idles(port):
    """One connection without keepalive, one with; nobody says a word."""
    server = listener(port)
    bare, guarded = connected(port, server), connected(port, server)
    for end in guarded:
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 9)):
            end.setsockopt(socket.IPPROTO_TCP, option, value)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    time.sleep(60)
    return bare


def forgotten_when_idle():
    """What connection tracking forgets is said of both ends of what nothing guards, and of no other; nor when it remembers for days."""
    subprocess.run(['nft', 'add rule inet live input ct state established accept'], check=True)
    pid = start(idles, 8300)
    try:
        time.sleep(5)
        for limit, expected in ((8, ['notice'] * 2), (432_000, [])):
            with open('/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established', 'w') as file:
                file.write(str(limit))
            report, _ = diagnose()
            found = [f for f in report['findings'] if f['cause'] == 'middlebox-idle-timeout']
            assert [f['severity'] for f in found] == expected, (limit, found)
            assert all(f.get('variant') == 'unguarded' and f['affected']['connections'] == 1 for f in found), found
    finally:
        stop(pid)


if __name__ == '__main__':
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    subprocess.run(['ip', 'address', 'add', f'{HERE}/32', 'dev', 'lo'], check=True)
    for command in ('link add away0 type veth peer name away1', 'link set away0 up', 'link set away1 up',
                    f'address add {HERE}/24 dev away0', f'neighbor add {NOBODY} lladdr 02:00:00:00:00:99 dev away0 nud permanent'):
        subprocess.run(['ip', *command.split()], check=True)
    only_busy()
    fill('/var/tmp')
    subprocess.run(['nft', 'add table inet live; add chain inet live input { type filter hook input priority 0; }'], check=True)
    print(f'diagnose: {everything_wrong()} wrongs of one host told, each with its process; a busy host is healthy')
    forgotten_when_idle()
