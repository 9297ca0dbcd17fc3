"""Records this machine for test/hosts/: scripts/hosts/record.py OUT   (root; leaves nothing behind)

Everything happens in a network and a mount namespace of its own, so the sockets are only those made here: one of
each interesting state. Files are kept as read, links in links.json, the sock_diag dump and the kernel's trace pages
as octets. What was running is in scene.json.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNS, CLONE_NEWNET = 0x20000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
PORT = 31080  # far from the ephemeral range, so that the kernel's filter takes nobody else's events


def main(out):
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), 'unshare needs root')
    run('mount', '--make-rprivate', '/')
    network()
    files(out)
    kernel_events(out)


def network():
    """In an empty network namespace: loopback, and a wire with nobody at its other end."""
    run('ip', 'link', 'set', 'lo', 'up')
    run('ip', 'link', 'add', 'away0', 'type', 'veth', 'peer', 'name', 'away1')
    run('ip', 'addr', 'add', '10.9.0.1/24', 'dev', 'away0')
    for name in ('away0', 'away1'):
        run('ip', 'link', 'set', name, 'up')
    for address in ('10.9.0.2', '10.9.0.7'):  # nobody has this hardware address, so nobody answers
        run('ip', 'neigh', 'add', address, 'lladdr', '02:00:00:00:00:99', 'dev', 'away0', 'nud', 'permanent')
    for name in ('all', 'lo', 'away0'):
        sysctl(f'ipv4/conf/{name}/rp_filter', 0)
        sysctl(f'ipv4/conf/{name}/accept_local', 1)


def run(*argv):
    subprocess.run(argv, check=True)


def sysctl(name, value):
    with open(f'/proc/sys/net/{name}', 'w') as file:
        file.write(str(value))


# ---- a host with one socket of each kind -----------------------------------------------------------------------

def files(out):
    ready, tell = os.pipe()
    server = os.fork()
    if server == 0:
        serve(tell)
    os.read(ready, 1)
    keep = clients()
    time.sleep(0.4)
    listen = ['net/' + name for name in (
        'tcp', 'tcp6', 'snmp', 'netstat', 'snmp6', 'sockstat', 'sockstat6', 'softnet_stat', 'dev', 'protocols',
        'stat/nf_conntrack')]
    for pid, name in ((server, 'server'), (os.getpid(), 'client')):
        listen += [f'{pid}/{leaf}' for leaf in ('stat', 'status', 'comm', 'cmdline', 'cgroup', 'limits')]
    listen += ['diskstats', 'self/mountinfo', 'loadavg', 'meminfo', 'pressure/cpu', 'pressure/memory', 'pressure/io', 'sys/fs/file-nr',
               'sys/fs/nr_open', 'sys/kernel/osrelease', 'uptime']
    listen += sysctls()
    keep_moment(out)
    for name in listen:
        copy(out, '/proc/' + name)
    for name in ('snmp', 'netstat'):
        copy(out, '/proc/net/' + name, again=True)
    links = {}
    for pid in (server, os.getpid()):
        for fd in os.listdir(f'/proc/{pid}/fd'):
            try:
                target = os.readlink(f'/proc/{pid}/fd/{fd}')
            except OSError:
                continue
            links[f'/proc/{pid}/fd/{fd}'] = target if ':' in target or target.startswith('/dev') else '/tmp/file'
        links[f'/proc/{pid}/ns/net'] = os.readlink(f'/proc/{pid}/ns/net')
    links['/proc/self/ns/net'] = os.readlink('/proc/self/ns/net')
    write(out, 'links.json', json.dumps(links, indent=1, sort_keys=True) + '\n')
    write(out, 'scene.json', json.dumps({
        'release': os.uname().release, 'server': server, 'client': os.getpid(), 'port': PORT,
    }, indent=1) + '\n')
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    for sock in keep:
        sock.close()


def keep_moment(out):
    """The same sockets three ways, one right after the other."""
    copy(out, '/proc/net/tcp')
    copy(out, '/proc/net/tcp6')
    write(out, 'ss-tanoiem.txt', subprocess.run(
        ['ss', '-tanoiem', '-O', '-H'], check=True, capture_output=True, text=True).stdout)
    for family, name in ((socket.AF_INET, 'inet'), (socket.AF_INET6, 'inet6')):
        request, answer = dump(family)
        write(out, f'sock-diag-{name}.request', request)
        write(out, f'sock-diag-{name}.bin', answer)


def dump(family):
    body = struct.pack('=BBBBI48x', family, socket.IPPROTO_TCP, 0xCB, 0, 0xFFFFFFFF)
    request = struct.pack('=IHHII', 16 + len(body), 20, 0x301, 1, 0) + body
    with socket.socket(16, socket.SOCK_RAW, 4) as netlink:
        netlink.send(request)
        answer = b''
        while True:
            part = netlink.recv(65536)
            answer += part
            if struct.unpack_from('=H', part, 4)[0] == 3 or part[-20 + 4:-20 + 6] == b'\x03\x00':
                return request, answer


def serve(tell):
    listener = listening(socket.AF_INET, '127.0.0.1', PORT, 16)
    full = listening(socket.AF_INET, '127.0.0.1', PORT + 1, 1)
    six = listening(socket.AF_INET6, '::', PORT + 2, 8)
    stray = listening(socket.AF_INET, '10.9.0.1', PORT + 3, 4)
    held = [listener, full, six, stray]
    import select
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    poll.register(six, select.EPOLLIN)
    os.write(tell, b'1')
    while True:
        for fd, _ in poll.poll():
            held.append((listener if fd == listener.fileno() else six).accept()[0])
            if len(held) == 4 + 3:
                held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if len(held) == 4 + 4:  # closes first: FIN-WAIT-2 here, CLOSE-WAIT there
                held[-1].close()
            if len(held) == 4 + 5:  # waits for the client's FIN, then the client is in TIME-WAIT
                held[-1].recv(1)
                held[-1].close()


def listening(family, host, port, backlog):
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(backlog)
    return sock


def clients():
    def connect(host, port, family=socket.AF_INET):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.connect((host, port))
        time.sleep(0.05)
        return sock

    keep = [connect('127.0.0.1', PORT)]
    keep[0].send(b'x' * 700)  # unread at the server
    keep.append(connect('127.0.0.1', PORT))
    keep[1].send(b'y' * 9)
    keep[1].shutdown(socket.SHUT_WR)  # CLOSE-WAIT at the server with ten to read, the FIN being one
    keep.append(connect('127.0.0.1', PORT))  # keepalive at the server
    keep.append(connect('127.0.0.1', PORT))  # closed by the server
    ends = connect('127.0.0.1', PORT)
    ends.close()
    keep.append(connect('::1', PORT + 2, socket.AF_INET6))
    keep.append(connect('127.0.0.1', PORT + 2))  # an IPv4-mapped address at the server
    for _ in range(2):
        keep.append(connect('127.0.0.1', PORT + 1))  # a full accept queue
    for host, port in (('127.0.0.1', PORT + 1), ('10.9.0.2', PORT)):  # dropped by the queue, and by nobody
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((host, port))
        keep.append(sock)
    stray_syn('10.9.0.7', '10.9.0.1', PORT + 3)
    return keep


def stray_syn(source, target, port):
    """A SYN whose SYN-ACK nobody answers: SYN-RECEIVED."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    tcp = struct.pack('!HHIIBBHHH', 41000, port, 1000, 0, 5 << 4, 2, 64240, 0, 0)
    tcp = tcp[:16] + struct.pack('!H', checksum(addresses + struct.pack('!HH', 6, len(tcp)) + tcp)) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 40, 1, 0, 64, 6, 0) + addresses
    raw.sendto(ip + tcp, (target, 0))
    raw.close()


def checksum(octets):
    total = sum(struct.unpack(f'!{len(octets) // 2}H', octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def sysctls():
    names = []
    for name in (
        'net/core/somaxconn', 'net/core/netdev_max_backlog', 'net/core/rmem_max', 'net/core/wmem_max',
        'net/ipv4/ip_local_port_range', 'net/ipv4/ip_local_reserved_ports', 'net/ipv4/tcp_abort_on_overflow',
        'net/ipv4/tcp_fin_timeout', 'net/ipv4/tcp_keepalive_intvl', 'net/ipv4/tcp_keepalive_probes',
        'net/ipv4/tcp_keepalive_time', 'net/ipv4/tcp_max_orphans', 'net/ipv4/tcp_max_syn_backlog',
        'net/ipv4/tcp_max_tw_buckets', 'net/ipv4/tcp_mem', 'net/ipv4/tcp_orphan_retries',
        'net/ipv4/tcp_retries1', 'net/ipv4/tcp_retries2', 'net/ipv4/tcp_rfc1337', 'net/ipv4/tcp_rmem',
        'net/ipv4/tcp_syn_linear_timeouts', 'net/ipv4/tcp_syn_retries', 'net/ipv4/tcp_synack_retries',
        'net/ipv4/tcp_syncookies', 'net/ipv4/tcp_timestamps', 'net/ipv4/tcp_tw_reuse', 'net/ipv4/tcp_wmem',
        'net/ipv4/tcp_mtu_probing', 'fs/file-max', 'fs/nr_open',
    ):
        names.append('sys/' + name)
    folder = '/proc/sys/net/netfilter'
    if os.path.isdir(folder):
        for name in os.listdir(folder):
            if name.startswith('nf_conntrack_tcp') or name in (
                    'nf_conntrack_count', 'nf_conntrack_max', 'nf_conntrack_buckets'):
                names.append('sys/net/netfilter/' + name)
    return names


# ---- the kernel's own reasons ----------------------------------------------------------------------------------

EVENTS = ('tcp/tcp_send_reset', 'tcp/tcp_receive_reset', 'sock/inet_sock_set_state')


def kernel_events(out):
    run('mount', '-t', 'tracefs', 'tracefs', '/sys/kernel/tracing')
    for name, size, make in (('resets', 64, resets), ('lost', 1, many)):
        instance = f'/sys/kernel/tracing/instances/tcpwhy-record-{os.getpid()}'
        os.mkdir(instance)
        try:
            record_events(out, name, instance, size, make)
        finally:
            for event in EVENTS:
                put(f'{instance}/events/{event}/enable', '0')
            os.rmdir(instance)
    for event in EVENTS + ('tcp/tcp_retransmit_skb', 'skb/kfree_skb', 'syscalls/sys_exit_accept4'):
        copy_as(out, f'/sys/kernel/tracing/events/{event}/format', f'tracefs/events/{event}/format')
    copy_as(out, '/sys/kernel/tracing/events/header_page', 'tracefs/events/header_page')


def record_events(out, name, instance, size, make):
    put(f'{instance}/trace_clock', 'mono')
    put(f'{instance}/buffer_size_kb', size)
    for event in EVENTS:
        # tcp_send_reset has its ports inside a sockaddr, which a filter cannot read.
        put(f'{instance}/events/{event}/filter', f'common_pid == {os.getpid()}' if event == 'tcp/tcp_send_reset' else
            f'(sport >= {PORT} && sport <= {PORT + 9}) || (dport >= {PORT} && dport <= {PORT + 9})')
        put(f'{instance}/events/{event}/enable', '1')
    make()
    for event in EVENTS:
        put(f'{instance}/events/{event}/enable', '0')
    with open(f'{instance}/trace') as file:
        write(out, f'tracefs/{name}.txt', file.read())
    for cpu in range(os.cpu_count()):
        pages = b''
        fd = os.open(f'{instance}/per_cpu/cpu{cpu}/trace_pipe_raw', os.O_RDONLY | os.O_NONBLOCK)
        while True:
            try:
                page = os.read(fd, 4096)
            except BlockingIOError:
                break
            if not page:
                break
            pages += page
        os.close(fd)
        write(out, f'tracefs/{name}.cpu{cpu}.bin', pages)
        with open(f'{instance}/per_cpu/cpu{cpu}/stats') as file:
            write(out, f'tracefs/{name}.cpu{cpu}.stats', file.read())


def resets():
    def connected():
        client = socket.create_connection(('127.0.0.1', PORT))
        return client, listener.accept()[0]

    listener = listening(socket.AF_INET, '127.0.0.1', PORT, 8)
    closed = socket.socket()
    closed.connect_ex(('127.0.0.1', PORT + 5))  # NO_SOCKET
    closed.close()
    time.sleep(0.3)  # more than 2^27 ns: a time extend
    client, server = connected()
    client.send(b'unread')
    time.sleep(0.01)
    server.close()  # TCP_ABORT_ON_CLOSE
    time.sleep(0.01)
    client.close()
    client, server = connected()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    server.close()  # linger 0
    client.close()
    client, server = connected()
    client.close()
    server.close()
    listener.close()
    six = socket.socket(socket.AF_INET6)
    six.connect_ex(('::1', PORT + 6))
    six.close()


def many():
    os.sched_setaffinity(0, {0})
    for _ in range(200):
        closed = socket.socket()
        closed.connect_ex(('127.0.0.1', PORT + 5))
        closed.close()


# ---- files -----------------------------------------------------------------------------------------------------

def put(path, value):
    with open(path, 'w') as file:
        file.write(str(value))


def copy(out, path, again=False):
    copy_as(out, path, path.lstrip('/') + ('.later' if again else ''))


def copy_as(out, path, name):
    try:
        with open(path, 'rb') as file:
            write(out, name, file.read())
    except OSError as error:
        print(f'not here: {path}: {error.strerror}', file=sys.stderr)


def write(out, name, content):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(content.encode() if isinstance(content, str) else content)


if __name__ == '__main__':
    main(sys.argv[1])
