"""`tcpwhy queue` against this kernel: listeners that never accept, filled with real handshakes and with SYNs of peers that
never answer, hold exactly as many as it says. In a network namespace of its own, as root there: .ci/live.sh starts it."""
import json
import socket
import struct
import subprocess
import sys
import time

HERE = '10.99.0.1'
SYN_RECV = '03'


def sysctl(name, value):
    with open('/proc/sys/net/' + name, 'w') as file:
        file.write(str(value))


def told(backlog):
    """What tcpwhy says of a listener of this backlog here, of which the kernel and the sysctls are read."""
    command = ['node', 'bin/tcpwhy.js', 'queue', '--backlog', str(backlog), '--json']
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def listener(backlog):
    server = socket.socket()
    server.bind((HERE, 0))
    server.listen(backlog)
    return server, server.getsockname()[1]


def finished(backlog, attempts):
    """How many of so many connects complete while nobody accepts."""
    server, port = listener(backlog)
    clients = []
    for _ in range(attempts):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex((HERE, port))
        clients.append(client)
    time.sleep(0.3)  # over veth and lo a handshake takes less than a millisecond; a dropped SYN waits 1 s
    states = [state for _, state, _ in sockets(port) if state == '01']
    waiting = [queue for _, state, queue in sockets(port) if state == '0A']
    for sock in [server, *clients]:
        sock.close()
    assert waiting == [len(states)], (waiting, states)
    return len(states)


def half_open(backlog, attempts):
    """How many requests wait in SYN-RECEIVED after so many SYNs, each of a peer that never answers."""
    server, port = listener(backlog)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for n in range(attempts):
        raw.sendto(syn(f'10.99.{1 + n // 200}.{1 + n % 200}', port), (HERE, 0))
    time.sleep(0.3)  # before the first request is given up: SYN-ACKs are repeated for 63 s
    count = sum(state == SYN_RECV for _, state, _ in sockets(port))
    raw.close()
    server.close()
    return count


def sockets(port):
    """(remote, state, rx_queue) of the server's side, of /proc/net/tcp."""
    with open('/proc/net/tcp') as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return [
        (row[2], row[3], int(row[4].split(':')[1], 16))
        for row in rows
        if row[1].endswith(f':{port:04X}')
    ]


def syn(source, port):
    addresses = socket.inet_aton(source) + socket.inet_aton(HERE)
    tcp = struct.pack('!HHIIBBHHH', 40000, port, 1, 0, 5 << 4, 2, 65535, 0, 0)
    pseudo = addresses + struct.pack('!BBH', 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack('!H', checksum(pseudo + tcp)) + tcp[18:]
    return struct.pack('!BBHHHBBH', 0x45, 0, 40, 0, 0, 64, 6, 0) + addresses + tcp


def checksum(octets):
    total = sum(struct.unpack(f'!{len(octets) // 2}H', octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


failures = 0


def expect(what, is_told, is_so):
    global failures
    if not is_told:
        print(f'     {what}: tcpwhy cannot tell of this kernel, is {is_so}')
        return
    right = is_so in is_told
    failures += not right
    words = ' or '.join(str(n) for n in is_told)
    print(f'{"ok  " if right else "FAIL"} {what}: told {words}, is {is_so}')


def values(queue):
    if queue['limit'] is not None:
        return [queue['limit']]
    return sorted(set(queue['between'].values())) if 'between' in queue else []


def main():
    links = 'link add v0 type veth peer name v1', 'link set lo up', f'addr add {HERE}/16 dev v0'
    up = 'link set v0 arp off up', 'link set v1 up'
    for command in [*links, *up]:
        subprocess.run(['ip', *command.split()], check=True)
    for backlog in [0, 1, 2, 5, 10]:
        for cookies in [0, 1]:
            sysctl('ipv4/tcp_syncookies', cookies)
            queue = told(backlog)['acceptQueue']
            what = f'accept queue, backlog {backlog}, syncookies {cookies}'
            expect(what, values(queue), finished(backlog, backlog + 6))
    sysctl('core/somaxconn', 3)
    expect('accept queue, somaxconn 3', values(told(100)['acceptQueue']), finished(100, 10))
    sysctl('core/somaxconn', 4096)
    for backlog, cookies in [(0, 0), (10, 0), (10, 1), (60, 0)]:
        sysctl('ipv4/tcp_syncookies', cookies)
        sysctl('ipv4/tcp_max_syn_backlog', 512)
        queue = told(backlog)['synQueue']
        what = f'SYN queue, backlog {backlog}, syncookies {cookies}'
        expect(what, values(queue), half_open(backlog, backlog + 20))
    sysctl('ipv4/tcp_syncookies', 0)
    for most in [64, 100, 128]:
        sysctl('ipv4/tcp_max_syn_backlog', most)
        queue = told(1000)['synQueue'].get('unproven', {'limit': None})
        what = f'SYN queue of unknown peers, tcp_max_syn_backlog {most}'
        expect(what, values(queue), half_open(1000, 200))
    return failures


if __name__ == '__main__':
    with open('/proc/net/dev') as file:
        links = [line.split(':')[0].strip() for line in file.readlines()[2:]]
    # Sysctls are changed, so it must be nobody else's.
    assert links == ['lo'], f'not in a network namespace of its own: {links}'
    sys.exit(1 if main() > 0 else 0)
