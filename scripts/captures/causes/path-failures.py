"""keepalive-timeout, path-lost, path-mtu-black-hole, packet-loss, asymmetric-path: the network does not deliver.

The server has a second address, 10.77.2.3, whose path is the bad one; 10.77.2.2 stays good.
"""

import random
import socket
import time

from make import capture
from stage import (CLIENT, ROUTER, SERVER, Seg, USER_TIMEOUT, bystanders, chain, get, http_once, http_server,
                   read_all, read_head, read_reply, reply, seen, thread, together)

BAD = '10.77.2.3'


def two_addresses(stage):
    stage.run(SERVER, 'ip', 'addr', 'add', f'{BAD}/24', 'dev', 'eth0')


def lose_path(stage):
    stage.nft(ROUTER, chain('forward', f'ip daddr {BAD} drop', f'ip saddr {BAD} drop'))


@capture('keepalive-timeout/path-gone', ending='reset', endedBy='client', victims=5,
         expects={'verdict': 'problem', 'cause': 'keepalive-timeout', 'culprit': 'network'})
def keepalive(stage):
    """Five idle connections (41001-41005) to 10.77.2.3 with TCP keepalive (idle 1 s, interval 1 s, 3 probes). Their
    probes are answered until the path to that address is lost at 3 s; three go unanswered, then the client's kernel
    aborts with RST (which is lost too) and reports ETIMEDOUT. Connections to 10.77.2.2 (42001-42005) live.
    """
    two_addresses(stage)
    http_server(stage)
    stage.tap(CLIENT, snap=160)
    probing = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
               (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)]
    pool = []
    for n in range(1, 6):
        connection = stage.connect(80, 41000 + n, host=BAD, timeout=15, options=probing)
        connection.sendall(get('/'))
        read_reply(connection)
        pool.append(connection)
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.1)
    time.sleep(2.2)
    lose_path(stage)
    for n, connection in enumerate(pool, 1):
        stage.note(f'4100{n}: {seen(connection.recv, 1)}')
        connection.close()


@capture('path-lost/mid-transfer', ending='timed-out', victims=6,
         stage={'sysctls': {'net.ipv4.tcp_retries2': 5}},
         expects={'verdict': 'problem', 'cause': 'path-lost', 'culprit': 'network'})
def path_lost(stage):
    """Six uploads (41001-41006) to 10.77.2.3 are under way when the path to that address is lost after 1 s: the same
    segment goes out again and again, with doubling gaps, unanswered. Three clients have TCP_USER_TIMEOUT 3 s,
    three give up when the kernel does (tcp_retries2 lowered to 5, some 12 s). No RST is sent. 10.77.2.2
    (42001-42010) is fine all the time.
    """
    two_addresses(stage)
    http_server(stage)
    stage.serve(81, lambda connection: read_all(connection))
    stage.tap(CLIENT, snap=96)

    def victim(n):
        def work():
            options = [(socket.IPPROTO_TCP, USER_TIMEOUT, 3000)] if n % 2 else []
            connection = stage.connect(81, 41000 + n, host=BAD, timeout=30, options=options)

            def feed():
                while True:
                    connection.sendall(bytes(300))
                    time.sleep(0.12)
            start = time.monotonic()
            stage.note(f'4100{n}: {seen(feed)} after {time.monotonic() - start:.1f} s')
            connection.close()
        return work

    def cut():
        time.sleep(1)
        lose_path(stage)

    together(*[victim(n) for n in range(1, 7)], cut, lambda: bystanders(stage, 10, gap=0.6))


def black_hole(stage):
    stage.nft(ROUTER, chain('forward', 'meta length > 1400 drop'))


@capture('path-mtu-black-hole/download', vantage='both', victims=5,
         expects={'verdict': 'problem', 'cause': 'path-mtu-black-hole', 'culprit': 'network'})
def mtu_download(stage):
    """The router drops every packet longer than 1,400 octets and says nothing (no ICMP), while both ends announced an
    MSS of 1,460. Answers of 20,000 octets (41001-41005): full-size segments are sent again and again, never
    acknowledged. Clients give up after 5 s. Short answers (42001-42006) pass. Only the server's capture shows why:
    at the client there is an acknowledged request and no answer, as with a server that has stalled.
    """
    body = bytes(20_000)

    def handle(connection):
        while head := read_head(connection):
            connection.sendall(reply(body if b'/big' in head else b'ok\n'))
        connection.close()

    stage.serve(80, handle)
    black_hole(stage)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)

    def victim(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=5)
            connection.sendall(get('/big'))
            stage.note(f'4100{n}: {seen(read_reply, connection)}')
            connection.close()
        return work

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 6, gap=0.7))
    time.sleep(1)


@capture('path-mtu-black-hole/upload', victims=5,
         expects={'verdict': 'problem', 'cause': 'path-mtu-black-hole', 'culprit': 'network'})
def mtu_upload(stage):
    """As path-mtu-black-hole/download, seen from the sending side: POSTs of 20,000 octets (41001-41005) stick, those of
    600 octets (42001-42006) pass.
    """
    def handle(connection):
        head = read_head(connection)
        read_all(connection, int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0]))
        connection.sendall(reply(b'stored\n'))
        read_head(connection)
        connection.close()

    stage.serve(80, handle)
    black_hole(stage)
    stage.tap(CLIENT, snap=96)

    def post(sport, size, start_s=0.0):
        def work():
            time.sleep(start_s)
            connection = stage.connect(80, sport, timeout=5)
            connection.sendall(f'POST /form HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {size}\r\n\r\n'.encode())
            connection.sendall(bytes(size))
            stage.note(f'{sport}, {size} octets: {seen(lambda: len(read_reply(connection)))}')
            connection.close()
        return work

    together(*[post(41000 + n, 20_000, 0.1 * n) for n in range(1, 6)],
             *[post(42000 + n, 600, 0.6 * n) for n in range(1, 7)])
    time.sleep(1)


def downloads(stage, host, count, base, octets_port, at_once=4):
    def worker(k):
        def work():
            for n in range(k, count, at_once):
                http_once(stage, octets_port, base + 1 + n, host=host, timeout=20)
        return work
    together(*[worker(k) for k in range(at_once)])


@capture('packet-loss/random', vantage='both', ending='clean', stage={'delay_ms': 5},
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'culprit': 'network'})
def random_loss(stage):
    """The path to 10.77.2.3 loses 8 % of the packets of both directions at random; 10.77.2.2 loses none. Fourteen
    downloads of 45,000 octets from the one (41001-41014), fourteen from the other (42001-42014). All succeed, the
    lossy ones by retransmission.
    """
    two_addresses(stage)
    http_server(stage, body=bytes(45_000))
    luck = random.Random(11)

    def lose(packet):
        seg = Seg(packet)
        return not (BAD in (seg.source, seg.dest) and luck.random() < 0.08)

    stage.relay.rules.append(lose)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    together(lambda: downloads(stage, BAD, 14, 41000, 80), lambda: downloads(stage, '10.77.2.2', 14, 42000, 80))


@capture('packet-loss/outage', ending='clean', victims=8, stage={'delay_ms': 5},
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'variant': 'outage', 'culprit': 'network'})
def outage(stage):
    """Eight keep-alive connections (41001-41008) ask every 0.2 s. From 2.0 s to 3.7 s the path delivers nothing in
    either direction; then everything goes on where it stopped, by retransmission.
    """
    http_server(stage)
    begin = time.monotonic()
    stage.relay.rules.append(lambda packet: not 2.0 < time.monotonic() - begin < 3.7)
    stage.tap(CLIENT, snap=96)
    begin = time.monotonic()

    def user(n):
        def work():
            time.sleep(0.02 * n)
            connection = stage.connect(80, 41000 + n, timeout=10)
            slowest = 0.0
            for _ in range(22):
                start = time.monotonic()
                connection.sendall(get('/'))
                read_reply(connection)
                slowest = max(slowest, time.monotonic() - start)
                time.sleep(0.2)
            stage.note(f'4100{n}: slowest answer {slowest:.2f} s')
            connection.close()
        return work

    together(*[user(n) for n in range(1, 9)])


@capture('asymmetric-path/return-lost', vantage='both', victims=5,
         expects={'verdict': 'problem', 'cause': 'asymmetric-path', 'culprit': 'network'},
         clientAlone={'verdict': 'inconclusive', 'cause': 'asymmetric-path', 'certainty': 'possible'})
def return_lost(stage):
    """For port 81, everything that the server sends after its SYN-ACK is lost on the way back (a stateful filter that
    sees half of the traffic); the other direction is delivered. The server gets the request again and again and
    answers each time. Clients (41001-41005) give up after 4 s. Port 80 (42001-42006) is healthy.
    """
    http_server(stage)
    http_server(stage, 81)
    stage.nft(ROUTER, chain('forward', 'tcp sport 81 tcp flags & (syn | ack) == ack drop',
                            'tcp sport 81 tcp flags & rst == rst drop'))
    stage.tap(CLIENT, snap=120)
    stage.tap(SERVER, snap=120)

    def victim(n):
        def work():
            connection = stage.connect(81, 41000 + n, timeout=4)
            connection.sendall(get('/'))
            stage.note(f'4100{n}: {seen(read_reply, connection)}')
            connection.close()
        return work

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 6, gap=0.6))
    time.sleep(1.5)


@capture('packet-loss/at-the-receiver', ending='clean',
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'culprit': 'network'})
def at_the_receiver(stage):
    """Uploads of 60,000 octets over a path with a round trip of 0.05 ms that loses 4 % of the packets to the server,
    captured at the server: a hole in the sequence numbers is filled within a millisecond, by a segment with a later
    IP-ID. 41001-41012; all succeed.
    """
    def handle(connection):
        head = read_head(connection)
        read_all(connection, int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0]))
        connection.sendall(reply(b'stored\n'))
        connection.close()

    stage.serve(80, handle)
    stage.nft(ROUTER, chain('forward', 'ip daddr 10.77.2.2 numgen random mod 1000 < 40 drop'))
    stage.tap(SERVER, snap=80)

    def upload(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=20)
            connection.sendall(b'POST /form HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 60000\r\n\r\n' + bytes(60_000))
            read_all(connection)
            connection.close()
        return work

    together(*[upload(n) for n in range(1, 13)])


@capture('path-mtu-black-hole/part-of-the-answer', ending='half-closed', victims=5,
         expects={'verdict': 'problem', 'cause': 'path-mtu-black-hole', 'culprit': 'network'})
def part_of_the_answer(stage):
    """As path-mtu-black-hole/download, seen at the client, where the head of the answer and its last 208 octets are short
    enough to come and the four full segments between them never do (41001-41005; they give up after 4 s).
    """
    def handle(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while head := read_head(connection):
            if b'/big' in head:
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 6000\r\n\r\n')
                time.sleep(0.05)
                connection.sendall(bytes(6000))
            else:
                connection.sendall(reply(b'ok\n'))
        connection.close()

    stage.serve(80, handle)
    black_hole(stage)
    stage.tap(CLIENT, snap=128)

    def victim(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=4)
            connection.sendall(get('/big'))
            stage.note(f'4100{n}: {seen(read_reply, connection)}')
            connection.close()
        return work

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 6, gap=0.5))
    time.sleep(1)


@capture('packet-loss/syns', vantage='both', ending='clean',
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'variant': 'syns', 'culprit': 'network'},
         also=['accept-queue-overflow', 'connect-filtered', 'syn-queue-overflow'])
def syns(stage):
    """The router drops two of five SYNs to port 80, as a rate limit or a broken SYN protection does, and nothing else. Twenty
    clients come one after the other, many wait a second or three; all get in and are served. The server was never short of
    anything: the SYNs that it did not answer never came to it.
    """
    http_server(stage)
    stage.nft(ROUTER, chain('forward', 'tcp dport 80 tcp flags & (syn | ack) == syn numgen inc mod 5 < 2 drop'))
    stage.tap(CLIENT, snap=160)
    stage.tap(SERVER, snap=160)
    together(*[lambda n=n: (time.sleep(0.15 * n), http_once(stage, 80, 41000 + n, timeout=12)) for n in range(1, 21)])


@capture('path-lost/fin-unacknowledged', vantage='server', ending='timed-out', victims=3,
         expects={'verdict': 'benign', 'cause': 'path-lost', 'variant': 'fin-lost', 'culprit': 'network'})
def fin_unacknowledged(stage):
    """The router loses every segment of the server with FIN. The server closes after its answer and sends the FIN again and
    again; the client hears nothing of it, waits 3 s for more (41001-41003) and closes itself: that FIN is acknowledged.
    """
    def handle(connection):
        read_head(connection)
        connection.sendall(reply())
        time.sleep(0.05)
        connection.close()
    stage.serve(80, handle)
    stage.nft(ROUTER, chain('forward', 'tcp sport 80 tcp flags & fin == fin drop'))
    stage.tap(SERVER, snap=160)

    def wait(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=3)
            connection.sendall(get('/'))
            read_reply(connection)
            stage.note(f'{41000 + n} waits for more: {seen(connection.recv, 10)}')
            connection.close()
        return work
    together(*[wait(n) for n in range(1, 4)])
    time.sleep(3)
