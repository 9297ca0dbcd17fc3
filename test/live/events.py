"""What the kernel tells, for real: each kind of event is made to happen, and must be decoded with its reason, its ends and who
did it. Then what must not be left behind. In a network and a mount namespace of its own, as root: .ci/live.sh starts it."""
import errno
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

HERE = '127.0.0.1'
TRACEFS = '/sys/kernel/tracing'
WATCH = ['node_modules/.bin/tsx', 'test/live/watch-events.ts']
TCP_USER_TIMEOUT, TCP_REPAIR = 18, 19


def sysctl(name, value):
    with open('/proc/sys/net/' + name, 'w') as file:
        file.write(str(value))


class Watch:
    """tcpwhy watching in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen(WATCH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = int(self.process.stdout.readline())

    def facts(self):
        out, _ = self.process.communicate()
        return json.loads(out)


    def instances(self):
        """Others on this machine may have theirs."""
        return [name for name in os.listdir(f'{TRACEFS}/instances') if name.startswith(f'tcpwhy-{self.pid}-')]


def listener(backlog=16, port=0):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HERE, port))
    sock.listen(backlog)
    return sock


def connected(server):
    client = socket.create_connection(server.getsockname())
    return client, server.accept()[0]


def child(work):
    """Runs in a process of its own, which ends by itself. @returns its pid"""
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def drop(table, hook, what):
    rules = f'table ip {table} {{\nchain c {{\ntype filter hook {hook} priority 0;\n{what} drop\n}}\n}}\n'
    subprocess.run(['nft', '-f', '-'], input=rules, text=True, check=True)


def undrop(table):
    subprocess.run(['nft', 'delete', 'table', 'ip', table], check=True)


def close_all(*socks):
    for sock in socks:
        sock.close()


# ---- what happens ----------------------------------------------------------------------------------------------
# Each gives the event that must be there: kind, reason, and what else is known of it.

def unread_data():
    server = listener()
    client, served = connected(server)
    client.send(b'never read')
    time.sleep(0.05)
    served.close()
    client_port = client.getsockname()[1]
    port = server.getsockname()[1]
    close_all(client, server)
    return [
        ('reset-sent', 'TCP_ABORT_ON_CLOSE', dict(pid=os.getpid(), local=port, remote=client_port, state='CLOSED', dying=False, causes=['close-with-unread-data'])),
        ('reset-received', None, dict(local=client_port, remote=port, cookie=True, state='ESTABLISHED', afterFin=False)),
        ('error', 'ECONNRESET', dict(local=client_port, remote=port)),
        ('state', None, {'from': 'ESTABLISHED', 'state': 'CLOSED', 'local': client_port}),
    ]


def linger_zero():
    server = listener()
    client, served = connected(server)
    served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    served.close()
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    close_all(client, server)
    return [('reset-sent', 'TCP_STATE', dict(pid=os.getpid(), local=port, remote=client_port, causes=['linger-zero']))]


def reset_after_fin():
    server = listener()
    client, served = connected(server)
    client.shutdown(socket.SHUT_WR)
    time.sleep(0.02)
    served.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    served.close()
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    close_all(client, server)
    return [('reset-received', None, dict(local=client_port, remote=port, state=None, afterFin=True))]


def refused():
    free = listener()
    port = free.getsockname()[1]
    free.close()
    client = socket.socket()
    assert client.connect_ex((HERE, port)) == errno.ECONNREFUSED
    client.close()
    return [
        ('reset-sent', 'NO_SOCKET', dict(pid=None, local=port, state=None, causes=['syn-to-closed-port'])),
        ('error', 'ECONNREFUSED', dict(remote=port)),
    ]


def refused_v6():
    client = socket.socket(socket.AF_INET6)
    assert client.connect_ex(('::1', 9)) == errno.ECONNREFUSED
    client.close()
    return [('reset-sent', 'NO_SOCKET', dict(pid=None, local=9, address='::1'))]


def no_descriptors():
    server = listener()
    client = socket.create_connection(server.getsockname())

    def accept_until_none_is_left():
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            pass
        for call in (server.accept, socket.socket):
            try:
                call()
            except OSError as error:
                assert error.errno == errno.EMFILE, error
        time.sleep(0.6)  # tcpwhy asks for the name within that time

    pid = child(accept_until_none_is_left)
    close_all(client, server)
    return [
        ('accept-failed', 'EMFILE', dict(pid=pid, command='python3')),
        ('socket-failed', 'EMFILE', dict(pid=pid)),
    ]


def no_ports():
    server = listener()
    sysctl('ipv4/ip_local_port_range', '50000 50001')
    try:
        held = [socket.create_connection(server.getsockname()) for _ in range(2)]
        more = socket.socket()
        assert more.connect_ex(server.getsockname()) == errno.EADDRNOTAVAIL
    finally:
        sysctl('ipv4/ip_local_port_range', '32768 60999')
    close_all(more, server, *held)
    return [('connect-failed', 'EADDRNOTAVAIL', dict(pid=os.getpid()))]


def overflowing(source, then=lambda: None):
    """A handshake that began while there was room, and ends when there is none. @returns the port"""
    server = listener(backlog=1)
    port = server.getsockname()[1]
    finish = raw_handshake(port, source)
    clients = [socket.create_connection((HERE, port)) for _ in range(2)]
    finish()
    then()
    close_all(server, *clients)
    return port


def overflow_with_reset():
    sysctl('ipv4/tcp_abort_on_overflow', 1)
    try:
        port = overflowing(41001)
        time.sleep(0.1)
    finally:
        sysctl('ipv4/tcp_abort_on_overflow', 0)
    return [('reset-sent', 'INVALID_SYN', dict(pid=None, local=port, remote=None, state='LISTEN', causes=['accept-queue-overflow', 'syn-in-handshake']))]


def overflow_without_reset():
    port = overflowing(41002, then=lambda: time.sleep(1.3))  # the first SYN-ACK is repeated after 1 s
    return [
        ('drop', 'TCP_LISTEN_OVERFLOW', dict(pid=None, local=port)),
        ('retransmit-synack', None, dict(local=port)),
    ]


def listener_closed():
    server = listener()
    port = server.getsockname()[1]
    clients = [socket.create_connection((HERE, port)) for _ in range(3)]
    server.close()
    close_all(*clients)
    return [
        ('state', None, {'from': 'CLOSED', 'state': 'LISTEN', 'local': port, 'pid': os.getpid()}),
        ('state', None, {'from': 'LISTEN', 'state': 'CLOSED', 'local': port, 'pid': os.getpid()}),
        ('reset-sent', 'TCP_STATE', dict(pid=os.getpid(), local=port, times=3, causes=['listener-closed'])),
    ]


def killed():
    server = listener()
    client = socket.create_connection(server.getsockname())
    port = server.getsockname()[1]
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        held, _ = server.accept()
        os.write(tell, b'1')
        time.sleep(60)
        os._exit(0)
    server.close()
    os.read(ready, 1)
    client.send(b'unread')
    time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    close_all(client)
    return [
        ('reset-sent', 'TCP_ABORT_ON_CLOSE', dict(pid=pid, local=port, dying=True, command='python3')),
        ('process-exit', None, dict(pid=pid, command='python3')),
    ]


def silent_end():
    """A connection of which one end is gone without a word."""
    server = listener()
    client, served = connected(server)
    served.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    served.close()
    return server, client


def data_after_close():
    server = listener()
    client, served = connected(server)
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    served.shutdown(socket.SHUT_RD)  # FIN-WAIT-1 is over too soon on loopback to meet it
    drop('late', 'input', f'tcp sport {client_port} tcp flags & fin == 0')
    served.close()
    time.sleep(0.02)
    undrop('late')
    client.send(b'crosses the FIN')
    time.sleep(0.05)
    close_all(client, server)
    return [('reset-sent', 'TCP_ABORT_ON_DATA', dict(local=port, remote=client_port, causes=['data-after-close']))]


def data_after_full_close():
    server = listener()
    client, served = connected(server)
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    served.close()
    time.sleep(0.05)
    client.send(b'late')
    time.sleep(0.05)
    close_all(client, server)
    return [('reset-sent', 'TCP_TIMEWAIT_SOCKET', dict(pid=None, local=port, causes=['data-after-full-close']))]


def server_restarted():
    server, client = silent_end()
    port = server.getsockname()[1]
    client.send(b'who is this')
    time.sleep(0.05)
    close_all(client, server)
    return [('reset-sent', 'TCP_FLAGS', dict(pid=None, local=port, remote=None, causes=['unknown-connection-at-listener']))]


def server_gone():
    server, client = silent_end()
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    server.close()
    client.send(b'anybody')
    time.sleep(0.05)
    client.close()
    return [
        ('reset-sent', 'NO_SOCKET', dict(pid=None, local=port, remote=client_port, causes=['unknown-connection'])),
        ('error', 'ECONNRESET', dict(local=client_port, remote=port)),
    ]


def administrator():
    server = listener()
    client, served = connected(server)
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    subprocess.run(['ss', '-K', 'src', f'{HERE}:{port}', 'dst', f'{HERE}:{client_port}'], check=True, capture_output=True)
    close_all(client, served, server)
    return [
        ('reset-sent', 'TCP_STATE', dict(local=port, remote=client_port, command='ss', causes=['killed-by-administrator'])),
        ('error', 'ECONNABORTED', dict(local=port, remote=client_port)),
    ]


def keepalive():
    sysctl('ipv4/conf/lo/rp_filter', 0)
    server, client = silent_end()
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    drop('lost', 'input', f'tcp sport {client_port}')
    client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 1)):
        client.setsockopt(socket.IPPROTO_TCP, option, value)
    time.sleep(2.6)
    close_all(client, server)
    undrop('lost')
    return [
        ('reset-sent', 'TCP_KEEPALIVE_TIMEOUT', dict(pid=None, local=client_port, remote=port, causes=['keepalive-timeout'])),
        ('error', 'ETIMEDOUT', dict(local=client_port, remote=port)),
    ]


def retransmission():
    server = listener()
    client, served = connected(server)
    port, client_port = server.getsockname()[1], client.getsockname()[1]
    drop('lost', 'input', f'tcp sport {client_port}')
    client.send(b'lost')
    time.sleep(0.8)
    undrop('lost')
    close_all(client, served, server)
    return [
        ('retransmit', None, dict(local=client_port, remote=port, state='ESTABLISHED')),
        ('drop', 'NETFILTER_DROP', {}),
    ]


SCENES = [
    unread_data, linger_zero, reset_after_fin, refused, refused_v6, no_descriptors, no_ports, overflow_with_reset,
    overflow_without_reset, listener_closed, killed, data_after_close, data_after_full_close, server_restarted,
    server_gone, administrator, keepalive, retransmission,
]


def raw_handshake(port, source):
    """A SYN from a peer without a stack. @returns what sends the last ACK of the handshake"""
    peer = '127.0.0.9'  # nobody has a socket there; the kernel's own RST to the SYN-ACK is filtered out
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    raw.bind((peer, 0))
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.settimeout(2)
    out.sendto(segment(peer, source, port, 1000, 0, 2), (HERE, 0))
    while True:
        packet = raw.recv(4096)
        tcp = packet[(packet[0] & 15) * 4:]
        from_port, to_port, seq, _, _, flags = struct.unpack_from('!HHIIBB', tcp)
        if (from_port, to_port, flags) == (port, source, 0x12):
            break
    raw.close()
    return lambda: out.sendto(segment(peer, source, port, 1001, seq + 1, 0x10), (HERE, 0))


def segment(peer, source, port, seq, ack, flags):
    addresses = socket.inet_aton(peer) + socket.inet_aton(HERE)
    tcp = struct.pack('!HHIIBBHHH', source, port, seq, ack & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)
    pseudo = addresses + struct.pack('!BBH', 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack('!H', checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack('!BBHHHBBH', 0x45, 0, 40, 0, 0, 64, 6, 0) + addresses + tcp


def checksum(octets):
    total = sum(struct.unpack(f'!{len(octets) // 2}H', octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# ---- what is told ----------------------------------------------------------------------------------------------

failures = 0


def check(what, right, detail=''):
    global failures
    failures += not right
    print(f'{"ok  " if right else "FAIL"} {what}' + ('' if right else f': {detail}'))


def matches(event, kind, reason, wanted):
    if event['kind'] != kind or event['reason'] != reason:
        return False
    return all(holds(event, name, value) for name, value in wanted.items())


def holds(event, name, value):
    if name in ('local', 'remote'):
        return (event[name] or {}).get('port') == value
    if name == 'address':
        return event['local']['address'] == value
    if name == 'cookie':
        return event['cookie'] is not None
    return event[name] == value


def told(scene, expected, events):
    for kind, reason, wanted in expected:
        times = wanted.pop('times', 1)
        found = [event for event in events if matches(event, kind, reason, wanted)]
        near = [event for event in events if event['kind'] == kind and event['reason'] == reason][:8]
        check(f'{scene}: {kind} {reason or ""}', len(found) >= times, f'{wanted} is not in {near}')


def realtime_offset():
    return time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def all_kinds():
    drop('quiet', 'output', 'ip saddr 127.0.0.9 tcp flags & rst == rst')
    watch = Watch()
    expected = [(scene.__name__, scene()) for scene in SCENES]
    facts = watch.facts()
    undrop('quiet')
    for scene, events in expected:
        told(scene, events, facts['events'])
    check('nothing lost, nothing odd', (facts['lost'], facts['odd']) == (0, 0), (facts['lost'], facts['odd']))
    check('a recording gives the same facts', facts['replayed'])
    times = [int(event['timeNs']) for event in facts['events']]
    inside = int(facts['fromNs']) <= times[0] and times == sorted(times) and times[-1] <= int(facts['toNs'])
    check('times are those of the watch, in order', inside, (facts['fromNs'], times[0], times[-1], facts['toNs']))
    off = min(abs(realtime_offset() - int(facts['realtimeOffsetNs'])) for _ in range(20))
    check('times join to those of captures', off < 1_000_000, f'{off} ns')
    check('nothing left behind', watch.instances() == [], watch.instances())


def leftovers():
    foreign = ['somebody', 'tcpwhy', 'tcpwhy-1-1-x', 'tcpwhy-record-7']
    for name in foreign:
        os.mkdir(f'{TRACEFS}/instances/{name}')
    try:
        watch = Watch()
        os.kill(watch.pid, signal.SIGKILL)
        watch.process.wait()
        check('kill -9 leaves an instance', len(watch.instances()) == 1, watch.instances())
        living = Watch()
        check('the next run removes it', watch.instances() == [], watch.instances())
        left = os.listdir(f'{TRACEFS}/instances')
        check('and none of others', set(foreign) <= set(left), left)
        beside = Watch()
        check('a living one is not touched', len(living.instances()) == 1, living.instances())
        check('two at a time see the same', beside.facts()['missing'] == living.facts()['missing'])
        for signal_ in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            ended = Watch()
            os.kill(ended.pid, signal_)
            ended.process.wait()
            check(f'{signal_.name} leaves nothing', ended.instances() == [], ended.instances())
    finally:
        for name in foreign:
            os.rmdir(f'{TRACEFS}/instances/{name}')


def unprivileged():
    hidden = 'umount -a -t tracefs; exec '  # others on this machine may have mounted it too
    for who, command, expected in (
        ('nobody', ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', *WATCH], ['denied']),
        # Root mounts it for itself, where nobody else sees it.
        ('not mounted', ['unshare', '--mount', 'sh', '-c', hidden + ' '.join(WATCH)], []),
        ('not mounted, root without CAP_SYS_ADMIN',
         ['unshare', '--mount', 'sh', '-c', hidden + ' '.join(['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', *WATCH])],
         ['not-mounted']),
    ):
        run = subprocess.run(command, input='', capture_output=True, text=True)
        facts = json.loads(run.stdout.split('\n', 1)[1]) if run.returncode == 0 else {'missing': run.stderr}
        told = [missing['why'] for missing in facts['missing']] if run.returncode == 0 else run.stderr
        check(f'{who}: said, and no error', told == expected, facts['missing'])


def main():
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    subprocess.run(['mount', '--make-rprivate', '/'], check=True)
    mounted = subprocess.run(['mount', '-t', 'tracefs', 'tracefs', TRACEFS], capture_output=True, text=True)
    if mounted.returncode != 0:
        print(f'SKIP kernel events: tracefs cannot be mounted here: {mounted.stderr.strip()}')
        return 0
    all_kinds()
    leftovers()
    unprivileged()
    return failures


if __name__ == '__main__':
    with open('/proc/net/dev') as file:
        links = [line.split(':')[0].strip() for line in file.readlines()[2:]]
    # Sysctls are changed, so it must be nobody else's.
    assert links == ['lo'], f'not in a network namespace of its own: {links}'
    sys.exit(1 if main() > 0 else 0)
