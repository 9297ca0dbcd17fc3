"""A stage for captures: client, router and server as network namespaces on this machine.

    client 10.77.1.2 -- .1 router .1 -- 10.77.2.2 server        (further clients: 10.77.1.3 ...)

One process plays every application: a socket belongs to the namespace in which it was made
(setns(2) works per thread), so a maker holds both ends and can say exactly what happens when.
Real servers are started inside with Stage.spawn. The kernel's own account, the tracepoint
tcp:tcp_send_reset, is read from a private tracefs instance. Whatever happens, everything is undone
in reverse order. Needs root, ip, nft, tcpdump, ethtool; Linux 6.12 or newer names all reset reasons.
"""

import contextlib
import ctypes
import errno
import fcntl
import heapq
import os
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

CLIENT, ROUTER, SERVER = 'client', 'router', 'server'
C, S = '10.77.1.2', '10.77.2.2'
C6, S6 = 'fd77:1::2', 'fd77:2::2'  # with Stage(ipv6=True)
CLONE_NEWNET = 0x40000000  # linux/sched.h
LIBC = ctypes.CDLL(None, use_errno=True)
REPAIR = 19  # TCP_REPAIR: with it on, close() is silent, as if the host had lost its memory
USER_TIMEOUT = 18  # TCP_USER_TIMEOUT

# Pinned, so that a distribution's defaults do not change what a capture shows.
SYSCTLS = {
    'net.ipv4.tcp_timestamps': 1,
    'net.ipv4.tcp_sack': 1,
    'net.ipv4.tcp_window_scaling': 1,
    'net.ipv4.tcp_ecn': 2,
    'net.ipv4.tcp_syncookies': 1,
    'net.ipv4.tcp_abort_on_overflow': 0,
    'net.ipv4.tcp_max_syn_backlog': 512,
    'net.ipv4.tcp_syn_linear_timeouts': 4,
    'net.ipv4.tcp_syn_retries': 6,
    'net.ipv4.tcp_synack_retries': 5,
    'net.ipv4.tcp_retries2': 15,
    'net.ipv4.tcp_fin_timeout': 60,
    'net.ipv4.tcp_rfc1337': 0,
    'net.ipv4.tcp_no_metrics_save': 1,
    'net.ipv4.tcp_rmem': '4096 131072 6291456',
    'net.ipv4.tcp_wmem': '4096 16384 4194304',
    'net.ipv4.tcp_congestion_control': 'reno',  # the one that is always there
    'net.ipv4.ip_default_ttl': 64,
    'net.ipv4.ip_local_port_range': '45000 60999',
    'net.ipv4.icmp_ratelimit': 0,
    'net.core.somaxconn': 4096,
    'net.ipv6.conf.all.disable_ipv6': 1,
}
COUNTERS = (
    'ListenOverflows|ListenDrops|TCPReqQFull|Syncookies|TCPAbort|TCPTimeouts|TCPKeepAlive|PAWS'
    '|TCPSYNChallenge|TCPChallengeACK|EmbryonicRsts|OutRsts|EstabResets|AttemptFails|DeferAccept'
    '|TCPWinProbe|TCPRetransFail|TCPSynRetrans|RetransSegs|TCPTimeWaitOverflow|TCPMTUP'
)


class Stage(contextlib.ExitStack):
    """@param delay_ms one-way delay added by the router; @param sysctls more of them, everywhere."""

    def __init__(self, *, delay_ms=0, sysctls=None, clients=1, offload=False, ipv6=False):
        super().__init__()
        self.delay_ms, self.more, self.clients, self.offload = delay_ms, sysctls or {}, clients, offload
        self.ipv6 = ipv6
        self.names = {side: f'tw{os.getpid()}{side[0]}' for side in (CLIENT, ROUTER, SERVER)}
        self.relay = None
        self.notes, self.taps, self.events, self.counters = [], {}, [], {}

    def __enter__(self):
        super().__enter__()
        try:
            self.dir = tempfile.mkdtemp(prefix='tcpwhy-stage-')
            self.callback(shutil.rmtree, self.dir, ignore_errors=True)
            self._lay_network()
            self._trace()
            if self.delay_ms:
                self.add_relay(self.delay_ms)
            self.before = {side: self._nstat(side) for side in (CLIENT, SERVER, ROUTER)}
        except BaseException:
            self.close()
            raise
        return self

    # --- network -----------------------------------------------------------------------------

    def _lay_network(self):
        for side, name in self.names.items():
            sh('ip', 'netns', 'add', name)
            self.callback(sh, 'ip', 'netns', 'del', name, check=False)
            self.run(side, 'ip', 'link', 'set', 'lo', 'up')
            self.sysctl(side, **SYSCTLS)
            self.sysctl(side, **self.more)
            if self.ipv6:
                self.sysctl(side, **{'net.ipv6.conf.all.disable_ipv6': 0, 'net.ipv6.conf.all.forwarding': int(side == ROUTER)})
        self._veth(CLIENT, 'c0', '10.77.1', '01')
        self._veth(SERVER, 's0', '10.77.2', '02')
        self.sysctl(ROUTER, **{'net.ipv4.ip_forward': 1})
        if self.ipv6:
            time.sleep(2)  # link-local addresses are tentative until then (RFC 4862 5.4)
        for n in range(1, self.clients):
            self.run(CLIENT, 'ip', 'addr', 'add', f'10.77.1.{2 + n}/24', 'dev', 'eth0')

    def _veth(self, side, port, net, mac):
        far, mid = self.names[side], self.names[ROUTER]
        sh('ip', 'link', 'add', port, 'netns', mid, 'address', f'02:00:0a:4d:{mac}:01', 'type', 'veth',
           'peer', 'name', 'eth0', 'netns', far, 'address', f'02:00:0a:4d:{mac}:02')
        for where, dev, addr in ((side, 'eth0', f'{net}.2/24'), (ROUTER, port, f'{net}.1/24')):
            if not self.offload:
                self.run(where, 'ethtool', '-K', dev, 'tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off')
            self.run(where, 'ip', 'addr', 'add', addr, 'dev', dev)
            self.run(where, 'ip', 'link', 'set', dev, 'up')
            if self.ipv6:
                addr6 = addr.replace('10.77.', 'fd77:').replace('/24', '/64').replace('.', '::')
                self.run(where, 'ip', '-6', 'addr', 'add', addr6, 'dev', dev, 'nodad')
        if self.ipv6:
            self.run(side, 'ip', '-6', 'route', 'add', 'default', 'via', f'fd77:{net[-1]}::1')
        self.run(side, 'ip', 'route', 'add', 'default', 'via', f'{net}.1')

    def sysctl(self, side, **values):
        with self.inside(side):
            for key, value in values.items():
                path = '/proc/sys/' + key.replace('.', '/')
                if os.path.exists(path):
                    with open(path, 'w') as file:
                        file.write(str(value))

    def nft(self, side, rules):
        """Loads an nftables ruleset, e.g. chain('forward', 'tcp dport 80 drop')."""
        sh('ip', 'netns', 'exec', self.names[side], 'nft', '-f', '-', stdin=rules)

    def add_relay(self, delay_ms):
        self.relay = Relay(self, delay_ms)
        self.callback(self.relay.stop)

    @contextlib.contextmanager
    def inside(self, side):
        home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        away = os.open(f'/run/netns/{self.names[side]}', os.O_RDONLY)
        try:
            if LIBC.setns(away, CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), 'setns')
            yield
        finally:
            LIBC.setns(home, CLONE_NEWNET)
            os.close(home)
            os.close(away)

    def run(self, side, *argv, check=True):
        return sh('ip', 'netns', 'exec', self.names[side], *argv, check=check)

    def spawn(self, side, *argv, until=None, **options):
        """A process inside; ended by its own pid when the stage closes. @param until port to wait for."""
        process = subprocess.Popen(
            ['ip', 'netns', 'exec', self.names[side], *argv],
            stdout=options.pop('stdout', subprocess.DEVNULL), stderr=options.pop('stderr', subprocess.DEVNULL),
            **options)
        self.callback(end, process)
        if until:
            self.wait_port(side, until)
        return process

    def wait_port(self, side, port, deadline=15):
        def open_():
            with contextlib.suppress(OSError), self.inside(side):
                with open('/proc/thread-self/net/tcp') as tcp:
                    return any(re.search(rf':{port:04X} \S+ 0A', line) for line in tcp)
        wait(open_, deadline, f'port {port}')

    # --- applications ------------------------------------------------------------------------

    def socket(self, side, *options, family=socket.AF_INET):
        with self.inside(side):
            made = socket.socket(family, socket.SOCK_STREAM)
        for option in options:
            made.setsockopt(*option)
        self.callback(made.close)
        return made

    def listen(self, port, backlog=128, side=SERVER, options=()):
        family = socket.AF_INET6 if self.ipv6 else socket.AF_INET  # IPv6 sockets take IPv4 connections too
        made = self.socket(side, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), *options, family=family)
        made.bind(('', port))
        made.listen(backlog)
        return made

    def connect(self, port, sport=0, timeout=3.0, host=S, source='', options=(), side=CLIENT):
        family = socket.AF_INET6 if ':' in host else socket.AF_INET
        made = self.socket(side, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), *options, family=family)
        if sport or source:
            made.bind((source, sport))
        made.settimeout(timeout)
        try:
            made.connect((host, port))
        except OSError:
            made.close()  # who gives up does not go on sending SYNs
            raise
        return made

    def pair(self, listener, port, sport=0, **more):
        """An established connection, both ends in hand."""
        near = self.connect(port, sport, **more)
        far, _ = listener.accept()
        self.callback(far.close)
        return near, far

    def serve(self, port, handle, backlog=128, options=(), side=SERVER):
        """Accepts for ever in a thread; handle(connection) runs in its own thread."""
        listener = self.listen(port, backlog, side, options)

        def loop():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    self.callback(connection.close)
                    thread(quiet, handle, connection)

        thread(loop)
        self.callback(lambda: listener.shutdown(socket.SHUT_RDWR) if listener.fileno() >= 0 else None)
        return listener

    # --- what is recorded ----------------------------------------------------------------------

    def tap(self, at=SERVER, snap=128, dev='eth0', only='ip', name=None):
        """Starts tcpdump; Stage.untap() gives the files."""
        path = os.path.join(self.dir, f'{name or at}.pcap')
        process = self.spawn(at, 'tcpdump', '-i', dev, '-s', str(snap), '-U', '--immediate-mode', '-nn',
                             '-B', '8192', '-Z', 'root', '-w', path, only, stderr=subprocess.PIPE)
        line = process.stderr.readline()
        while b'listening on' not in line:
            if not line:
                raise RuntimeError('tcpdump did not start')
            line = process.stderr.readline()
        self.taps[name or at] = (path, process)

    def untap(self):
        """Ends the captures and reads the kernel's account. @returns {where: path}"""
        time.sleep(0.3)
        for _, process in self.taps.values():
            end(process, signal.SIGINT)
            said = process.stderr.read().decode()
            if not re.search(r'\b0 packets dropped by kernel', said):
                raise RuntimeError(f'tcpdump lost packets: {said}')
        self.events = self._read_trace()
        for side in (CLIENT, SERVER, ROUTER):
            after, before = self._nstat(side), self.before[side]
            moved = {k: v - before.get(k, 0) for k, v in after.items() if v != before.get(k, 0)}
            self.counters[side] = {k: v for k, v in moved.items() if re.search(COUNTERS, k)}
        return {where: path for where, (path, _) in self.taps.items()}

    def _trace(self):
        root = '/sys/kernel/tracing'
        if not os.path.isdir(f'{root}/instances'):
            root = tempfile.mkdtemp(prefix='tcpwhy-tracefs-')
            sh('mount', '-t', 'tracefs', 'tracefs', root)
            self.callback(os.rmdir, root)
            self.callback(sh, 'umount', root, check=False)
        self.trace = f'{root}/instances/tcpwhy-{os.getpid()}'
        os.mkdir(self.trace)
        self.callback(os.rmdir, self.trace)
        for file, value in (('trace_clock', 'mono'), ('events/tcp/tcp_send_reset/enable', '1')):
            with open(f'{self.trace}/{file}', 'w') as out:
                out.write(value)

    def _read_trace(self):
        """tcp_send_reset events of our addresses (tracepoints know no namespace), with epoch times."""
        with open(f'{self.trace}/events/tcp/tcp_send_reset/enable', 'w') as out:
            out.write('0')
        epoch = time.time() - time.monotonic()
        shape = (r'(?P<who>\S+)-(?P<pid>\d+) +\[\d+\] (?P<flags>\S+) +(?P<at>[\d.]+): tcp_send_reset:.*?'
                 r'src=(?P<src>\S+) dest=(?P<dest>\S+) state=(?P<state>\S+) reason=(?P<reason>\S+)')
        with open(f'{self.trace}/trace') as file:
            found = [re.search(shape, line) for line in file if 'tcp_send_reset' in line]
        events = [m.groupdict() | {'at': float(m['at']) + epoch} for m in found if m]
        return [e for e in events if '10.77.' in e['src'] + e['dest'] or 'fd77:' in e['src'] + e['dest'] or e['dest'].endswith(':0')]

    def _nstat(self, side):
        with self.inside(side):
            out = {}
            for name in ('snmp', 'netstat'):
                with open(f'/proc/thread-self/net/{name}') as file:
                    lines = [line.split() for line in file if line.startswith('Tcp')]
                for keys, values in zip(lines[::2], lines[1::2]):
                    out |= {keys[0][:-1] + k: int(v) for k, v in zip(keys[1:], values[1:])}
            return out

    def note(self, text):
        """A sentence for the capture's page: what the applications saw."""
        self.notes.append(text)


class Relay:
    """A router that takes time. Packets are routed into a TUN device, held, and put back.

    `rules` are called with each IPv4 packet (bytearray) and answer False to lose it, or None/True to
    pass it; they may change or inject (Relay.inject) as well. A packet loses two of its TTL on the way.
    """

    def __init__(self, stage, delay_ms):
        self.stage, self.delay, self.rules, self.heap, self.count = stage, delay_ms / 1000, [], [], 0
        with stage.inside(ROUTER):
            self.tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.tun, 0x400454CA, struct.pack('16sH22x', b'relay', 0x1001))  # TUNSETIFF, IFF_TUN|IFF_NO_PI
        stage.run(ROUTER, 'ip', 'link', 'set', 'relay', 'up', 'txqueuelen', '2000')
        stage.sysctl(ROUTER, **{'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.relay.rp_filter': 0})
        stage.run(ROUTER, 'ip', 'route', 'add', 'default', 'dev', 'relay', 'table', '100')
        for dev in ('c0', 's0'):
            stage.run(ROUTER, 'ip', 'rule', 'add', 'iif', dev, 'lookup', '100', 'pref', '10')
        stage.run(ROUTER, 'ip', 'rule', 'add', 'pref', '5', 'to', '10.77.1.1', 'lookup', 'local')
        self.stopped = threading.Event()
        self.wake_r, self.wake_w = os.pipe()
        self.thread = thread(self.loop)

    def loop(self):
        while not self.stopped.is_set():
            due = self.heap[0][0] - time.monotonic() if self.heap else 1.0
            ready, _, _ = select.select([self.tun, self.wake_r], [], [], max(due, 0))
            if self.wake_r in ready:
                os.read(self.wake_r, 64)
            with contextlib.suppress(BlockingIOError):
                while self.tun in ready:
                    packet = bytearray(os.read(self.tun, 65535))
                    if all(rule(packet) is not False for rule in list(self.rules)):
                        self.put(packet, self.delay)
            while self.heap and self.heap[0][0] <= time.monotonic():
                os.write(self.tun, heapq.heappop(self.heap)[2])

    def put(self, packet, delay):
        self.count += 1
        heapq.heappush(self.heap, (time.monotonic() + delay, self.count, bytes(packet)))

    def inject(self, packet, delay=0.0):
        """A packet of our own; it enters the router's forwarding as if it had come from a wire."""
        self.put(packet, delay)
        os.write(self.wake_w, b'.')

    def stop(self):
        self.stopped.set()
        os.write(self.wake_w, b'.')
        self.thread.join(2)
        for fd in (self.tun, self.wake_r, self.wake_w):
            os.close(fd)


# --- small tools ---------------------------------------------------------------------------------

def sh(*argv, check=True, stdin=None):
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f'{" ".join(argv)}: {done.stderr.strip() or done.stdout.strip()}')
    return done.stdout


def end(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def thread(target, *args):
    """In the background until the stage closes its sockets, which ends it quietly."""
    made = threading.Thread(target=quiet, args=(target, *args), daemon=True)
    made.start()
    return made


def quiet(work, *args):
    """Runs work; a connection's OSError is what the captures are about, not a failure of the maker."""
    with contextlib.suppress(OSError):
        work(*args)


def wait(condition, deadline=10.0, what='condition'):
    until = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f'{what} not reached in {deadline} s')
        time.sleep(0.02)


def seen(work, *args):
    """@returns what the application got: a value, or the error's name."""
    try:
        return work(*args)
    except OSError as error:
        if isinstance(error, ssl.SSLError):
            return error.reason or type(error).__name__
        return errno.errorcode.get(error.errno, type(error).__name__)


def read_all(connection, octets=1 << 30):
    got = b''
    while len(got) < octets:
        more = connection.recv(min(65536, octets - len(got)))
        if not more:
            break
        got += more
    return got


def read_head(connection):
    """Reads up to the empty line of an HTTP message; octet by octet, so that nothing else is read."""
    got = b''
    while not got.endswith(b'\r\n\r\n'):
        more = connection.recv(1)
        if not more:
            break
        got += more
    return got


def get(path='/', host='shop.test', more=''):
    return f'GET {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n'.encode()


def reply(body=b'ok\n', status='200 OK', more='', length=None):
    size = len(body) if length is None else length
    return f'HTTP/1.1 {status}\r\nServer: maker\r\nContent-Length: {size}\r\n{more}\r\n'.encode() + body


def read_reply(connection):
    head = read_head(connection)
    size = re.search(rb'(?i)content-length: *(\d+)', head)
    return head + (read_all(connection, int(size[1])) if size and int(size[1]) else b'')


def linger_zero(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))


def vanish(connection):
    """Closes without a packet, as when a host loses its memory."""
    connection.setsockopt(socket.IPPROTO_TCP, REPAIR, 1)
    connection.close()


def chain(hook, *rules, kind='filter', priority=None, table='inet t'):
    """An nftables chain as text."""
    prio = priority if priority is not None else {'prerouting': -100, 'postrouting': 100}.get(hook, 0)
    body = '\n'.join(rules)
    return f'table {table} {{ chain {hook} {{ type {kind} hook {hook} priority {prio}; policy accept;\n{body}\n}}\n}}\n'


def http_server(stage, port=80, body=b'ok\n' * 20, wait_s=0.0, side=SERVER):
    """A correct keep-alive server."""
    def handle(connection):
        while read_head(connection):
            time.sleep(wait_s)
            connection.sendall(reply(body))
        connection.close()
    return stage.serve(port, handle, side=side)


def http_once(stage, port=80, sport=0, path='/', **more):
    """One healthy request on its own connection, closed by the client. @returns octets read"""
    connection = stage.connect(port, sport, **more)
    connection.sendall(get(path))
    got = read_reply(connection)
    connection.close()
    return len(got)


def bystanders(stage, count=4, port=80, base=42000, gap=0.05, **more):
    """Healthy one-request connections beside the victims, from client ports base+1 ..."""
    for n in range(1, count + 1):
        http_once(stage, port, base + n, **more)
        time.sleep(gap)


def together(*works):
    """Runs all at once (functions without arguments), waits for them, and fails if one of them failed."""
    failed = []

    def watched(work):
        try:
            work()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told below)
            failed.append(error)

    for one in [thread(watched, work) for work in works]:
        one.join(30)
    if failed:
        raise failed[0]


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, sport, dest, dport, seq, ack, flags, *, ttl=64, ident=0, window=0, data=b'', options=b''):
    """An IPv4 TCP packet by hand. @param flags e.g. 0x04 RST, 0x14 RST|ACK"""
    tcp = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                      (5 + len(options) // 4) << 4, flags, window, 0, 0) + options
    src, dst = socket.inet_aton(source), socket.inet_aton(dest)
    pseudo = src + dst + struct.pack('!BBH', 0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + struct.pack('!H', checksum(pseudo + tcp + data)) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp) + len(data), ident, 0x4000, ttl, 6, 0) + src + dst
    return ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:] + tcp + data


class Seg:
    """The fields of an IPv4 TCP packet that relay rules ask for."""

    def __init__(self, packet):
        ihl = (packet[0] & 15) * 4
        self.is_tcp = packet[9] == 6
        self.source, self.dest = socket.inet_ntoa(bytes(packet[12:16])), socket.inet_ntoa(bytes(packet[16:20]))
        self.ttl, self.length = packet[8], struct.unpack('!H', packet[2:4])[0]
        if self.is_tcp:
            self.sport, self.dport, self.seq, self.ack = struct.unpack('!HHII', packet[ihl:ihl + 12])
            self.flags = packet[ihl + 13]
            self.len = self.length - ihl - (packet[ihl + 12] >> 4) * 4
