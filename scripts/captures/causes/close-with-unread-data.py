"""close-with-unread-data and gc-coupled-close: close() while octets wait unread makes the kernel send RST."""

import gc
import random
import socket
import time

from make import capture
from stage import (C, S6, CLIENT, S, SERVER, bystanders, get, http_server, quiet, read_all, read_head, read_reply, reply,
                   seen, thread)


def big_files(stage, octets, port=80):
    """A server whose every answer is that long."""
    body = random.Random(1).randbytes(octets)

    def handle(connection):
        while read_head(connection):
            connection.sendall(reply(body, more='Content-Type: application/java-archive\r\n'))
        connection.close()

    return stage.serve(port, handle)


@capture('close-with-unread-data/unread-response', ending='reset', endedBy='client', victims=4,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-response', 'culprit': 'client'})
def unread_response(stage):
    """Four clients (41001-41004) ask for a jar of 2,000,000 octets (Content-Length is visible), read the head of
    the answer only, hold on for a while and close. Their receive window is full by then (zero window), the
    unread octets make the kernel send RST. Others (42001-42004) read a short answer from port 8080 to the end, and
    42011-42012 a whole jar of 60,000 from port 8081.
    """
    big_files(stage, 2_000_000)
    big_files(stage, 60_000, 8081)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 5):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/lib/app.jar'))
        head = read_head(connection).split(b'\r\n')[0].decode()
        time.sleep(0.2 + 0.3 * n)
        connection.close()
        stage.note(f'4100{n}: read "{head}" and no more')
        bystanders(stage, 1, 8080, base=41999 + n)
        if n < 3:
            bystanders(stage, 1, 8081, base=42009 + n + 1)


@capture('close-with-unread-data/poller-by-clock', ending='reset', endedBy='client', victims=6,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-response', 'culprit': 'client'})
def poller_by_clock(stage):
    """As regular as a health check, and none: every second a client (41001-41006) asks for the same list of 300,000 octets
    on a connection of its own, looks at the status and closes. What waits unread in its buffer makes the kernel send RST.
    Others (42001-42006) read a short answer from port 8080 to the end.
    """
    big_files(stage, 300_000)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 7):
        from_s = time.monotonic()
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/health/list.json'))
        read_head(connection)
        time.sleep(0.3)
        connection.close()
        bystanders(stage, 1, 8080, base=41999 + n)
        time.sleep(max(0, from_s + 1 - time.monotonic()))


@capture('close-with-unread-data/early-response-upload', ending='reset', endedBy='server', victims=5,
         stage={'delay_ms': 3},
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'early-response-upload',
                  'culprit': 'server'})
def early_response_upload(stage):
    """Five clients (41001-41005) POST 3,000,000 octets; the server reads the head only, answers 413 and closes at
    once, so the octets that it has not read make its kernel send RST, and more follow for those still on the way.
    Some clients never see the 413. Small uploads (42001-42004) are accepted.
    """
    def handle(connection):
        head = read_head(connection)
        size = int(head.lower().split(b'content-length: ')[1].split(b'\r\n')[0])
        if size > 100_000:
            time.sleep(0.012)
            connection.sendall(reply(b'too large\n', '413 Content Too Large', 'Connection: close\r\n'))
        else:
            read_all(connection, size)
            connection.sendall(reply(b'stored\n', '201 Created'))
            connection.recv(1)
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)

    def upload(sport, size):
        connection = stage.connect(80, sport)

        def work():
            connection.sendall(f'POST /upload HTTP/1.1\r\nHost: shop.test\r\nContent-Length: {size}\r\n\r\n'.encode())
            connection.sendall(bytes(size))
            return read_reply(connection).split(b'\r\n')[0].decode()

        stage.note(f'{sport}: {seen(work)}')
        connection.close()

    for n in range(1, 6):
        upload(41000 + n, 3_000_000)
        if n < 5:
            upload(42000 + n, 2_000)
        time.sleep(0.1)


@capture('close-with-unread-data/unread-request', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-request',
                  'culprit': 'server'})
def unread_request(stage):
    """A worker answers two requests of each keep-alive connection and then closes it 30 ms later ("max requests
    reached"), without a Connection: close in its answers and without looking whether a third request has come. On
    41001-41005 it has: its octets lie unread in the socket, so close() sends RST. 42001-42004 ask only twice and
    get a FIN.
    """
    def handle(connection):
        for _ in range(2):
            read_head(connection)
            connection.sendall(reply(b'ok\n'))
        time.sleep(0.03)
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)

    def client(sport, times):
        connection = stage.connect(80, sport)

        def work():
            got = []
            for _ in range(times):
                connection.sendall(get('/a'))
                got.append(len(read_reply(connection)))
            if times == 2:
                got.append(len(connection.recv(1)))
            return got

        stage.note(f'{sport}: {seen(work)}')
        connection.close()

    for n in range(1, 6):
        client(41000 + n, 3)
        if n < 5:
            client(42000 + n, 2)
        time.sleep(0.15)


@capture('gc-coupled-close/two-collections', ending='reset', endedBy='client', victims=14,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-response', 'culprit': 'client'},
         also=['gc-coupled-close'])
def two_collections(stage):
    """A client asks for the head of a large file at irregular times and forgets the connection in a cycle of
    objects: nothing closes it but the garbage collector (CPython's, started by hand at 3.0 s and 6.0 s). Each
    collection closes seven sockets within a few milliseconds, each with unread data: bursts of RST from
    client ports 41001-41014, of connections that had been silent for very different times. 42001-42006 read
    everything and close. Packets alone say `close-with-unread-data`; that the bunches are a collector's is only
    `possible` without its log.
    """
    big_files(stage, 400_000)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=160)
    gc.disable()

    class Forgotten:
        def __init__(self, sport):
            with stage.inside(CLIENT):
                self.connection = socket.socket()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            self.connection.bind((C, sport))
            self.connection.connect((S, 80))
            self.connection.sendall(get('/lib/app.jar'))
            read_head(self.connection)
            self.me = self

    luck, begin = random.Random(3), time.monotonic()
    try:
        for round_ in range(2):
            thread(quiet, bystanders, stage, 3, 8080, 42000 + 3 * round_, 0.7)
            for n in range(1, 8):
                Forgotten(41000 + 7 * round_ + n)
                time.sleep(luck.uniform(0.1, 0.45))
            time.sleep(max(0, begin + 3 * (round_ + 1) - time.monotonic()))
            import warnings
            with warnings.catch_warnings():
                warnings.simplefilter('ignore')
                stage.note(f'collection at {time.monotonic() - begin:.3f} s freed {gc.collect()} objects')
    finally:
        gc.enable()
    time.sleep(0.5)


@capture('close-with-unread-data/unread-response-ipv6', ending='reset', endedBy='client', victims=4, stage={'ipv6': True},
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-response', 'culprit': 'client'})
def unread_response_ipv6(stage):
    """As close-with-unread-data/unread-response over IPv6, with a smaller receive buffer, and after half a second:
    41001-41004 read the head and close; 42001-42004 read a short answer to the end.
    """
    big_files(stage, 300_000)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=200, only='tcp')
    for n in range(1, 5):
        connection = stage.connect(80, 41000 + n, host=S6, options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)])
        connection.sendall(get('/lib/app.jar'))
        read_head(connection)
        time.sleep(0.5)
        connection.close()
        bystanders(stage, 1, 8080, base=41999 + n, host=S6)


@capture('close-with-unread-data/stray-crlf', ending='reset', endedBy='server', victims=4,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-request', 'culprit': 'server'})
def stray_crlf(stage):
    """Four clients (41001-41004) end the body of a POST with a CRLF that Content-Length does not count, as old libraries do. The
    server reads the body to its length, answers `Connection: close` and closes: two octets lie unread, so the kernel sends RST.
    Others (42001-42004) send no such octets and get a FIN.
    """
    def handle(connection):
        read_head(connection)
        read_all(connection, 3)
        connection.sendall(reply(more='Connection: close\r\n'))
        connection.close()
    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 5):
        for base, more in ((41000, b'\r\n'), (42000, b'')):
            connection = stage.connect(80, base + n)
            connection.sendall(b'POST /a HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\nabc' + more)
            time.sleep(0.05)
            stage.note(f'{base + n} reads: {len(seen(connection.recv, 400) or b"")} octets')
            connection.close()
