"""Captures in which nothing is wrong, taken in ways that make beginners see faults."""

import importlib
import random
import socket
import struct
import time

from make import capture
from stage import (CLIENT, ROUTER, SERVER, S, Seg, bystanders, checksum, get, http_once, http_server, read_all, read_head,
                   read_reply, reply, segment, thread, together)

HEALTHY = {'verdict': 'healthy', 'cause': None}


def ask(connection, path='/'):
    connection.sendall(get(path))
    return read_reply(connection)


def keep_alive(stage, sport, times, pause_s, **more):
    def work():
        connection = stage.connect(80, sport, timeout=10, **more)
        for _ in range(times):
            ask(connection)
            time.sleep(pause_s)
        connection.close()
    return work


@capture('healthy/busy', vantage='server', expects=HEALTHY, stage={'offload': True, 'clients': 4})
def busy(stage):
    """nginx: 30 one-shot requests and 10 keep-alive connections of 12 requests each, from four hosts. Segmentation
    offload is on, as on most hosts: segments longer than the MTU.
    """
    importlib.import_module('server_idle_timeout').nginx(stage, '20s')
    http_server(stage, 8080, body=bytes(30_000))
    stage.tap(SERVER, snap=96)
    together(*[keep_alive(stage, 42000 + n, 12, 0.05, source=f'10.77.1.{2 + n % 4}') for n in range(1, 11)],
             lambda: bystanders(stage, 30, base=43000, gap=0.02), lambda: bystanders(stage, 8, 8080, base=44000, gap=0.1))


@capture('healthy/long-poll', expects=HEALTHY)
def long_poll(stage):
    """Long polls that are answered after 3 to 5 s (42001-42005), an event stream with an event every second
    (42011-42012, still open at the end) and two pooled connections that are silent for 6 s and then used (42021-42022).
    """
    def handle(connection):
        while head := read_head(connection):
            if b'/events' in head:
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
                while True:
                    connection.sendall(b'data: tick\n\n')
                    time.sleep(1)
            if b'/poll' in head:
                time.sleep(3 + connection.getpeername()[1] % 5 * 0.5)
            connection.sendall(reply(b'news\n'))
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)

    def poll(n):
        def work():
            connection = stage.connect(80, 42000 + n, timeout=10)
            ask(connection, '/poll')
            connection.close()
        return work

    def silent(n):
        def work():
            connection = stage.connect(80, 42020 + n, timeout=10)
            ask(connection)
            time.sleep(6)
            ask(connection)
            connection.close()
        return work

    for n in (1, 2):
        stream = stage.connect(80, 42010 + n, timeout=20)
        stream.sendall(get('/events'))
        thread(read_all, stream)
    together(*[poll(n) for n in range(1, 6)], *[silent(n) for n in (1, 2)])
    time.sleep(1)


@capture('healthy/any-loopback', vantage='server', expects=HEALTHY)
def any_loopback(stage):
    """A service and its clients on one host, captured with `-i any` (Linux cooked v2), interfaces named. (libpcap
    leaves out the outgoing copies of loopback packets; for packets seen twice see healthy/any-router.)
    """
    http_server(stage, body=bytes(3000))
    stage.tap(SERVER, snap=120, dev='any')
    for n in range(1, 9):
        http_once(stage, 80, 42000 + n, host='127.0.0.1', side=SERVER)
        http_once(stage, 80, 43000 + n, host=S, side=SERVER)
        time.sleep(0.05)


@capture('healthy/any-router', vantage='router', expects=HEALTHY)
def any_router(stage):
    """Captured on the router with `-i any` (Linux cooked v2): every packet is there twice, the second time with a TTL
    one lower.
    """
    http_server(stage, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    together(*[keep_alive(stage, 42000 + n, 4, 0.1) for n in range(1, 9)])


@capture('healthy/one-sided', expects={'verdict': 'inconclusive', 'cause': None})
def one_sided(stage):
    """Only the packets from the client are captured (an asymmetric tap). 10 connections, all fine: no cause may be named.
    But half a capture cannot tell that they are, so the report says which direction is missing and asks for it.
    """
    http_server(stage, body=bytes(5000))
    stage.tap(CLIENT, snap=120, only='ip src 10.77.1.2')
    together(*[keep_alive(stage, 42000 + n, 3, 0.2) for n in range(1, 11)])


@capture('healthy/mid-stream', expects=HEALTHY)
def mid_stream(stage):
    """The capture begins while ten keep-alive connections (42001-42010) are in use and ends before five of them do.
    """
    http_server(stage, body=bytes(2000))
    works = [thread(keep_alive(stage, 42000 + n, 12 if n < 6 else 60, 0.15)) for n in range(1, 11)]
    time.sleep(0.8)
    stage.tap(CLIENT, snap=120)
    for one in works[:5]:
        one.join(10)
    time.sleep(0.5)


@capture('healthy/half-close', expects=HEALTHY, ending='clean')
def half_close(stage):
    """Legitimate half-closes: 42001-42004 send a query, shut down their sending side, and read the answer that comes in
    pieces over 3 s; then the server closes. 42011-42014 exchange a word, and both ends close at the same moment (both FINs
    cross on a path of 5 ms).
    """
    stage.add_relay(5)

    def export(connection):
        read_all(connection)
        for _ in range(15):
            connection.sendall(b'a line of the answer\n' * 10)
            time.sleep(0.2)
        connection.close()

    ends = []
    stage.serve(80, export)
    stage.serve(81, ends.append)
    stage.tap(CLIENT, snap=120)

    def ask_and_shut(n):
        def work():
            connection = stage.connect(80, 42000 + n, timeout=10)
            connection.sendall(b'SELECT everything\n')
            connection.shutdown(socket.SHUT_WR)
            read_all(connection)
            connection.close()
        return work

    def cross():
        for n in range(1, 5):
            connection = stage.connect(81, 42010 + n)
            connection.sendall(b'ping\n')
            time.sleep(0.1)
            ends[-1].recv(10)
            ends[-1].sendall(b'pong\n')
            connection.recv(10)
            time.sleep(0.2)
            connection.close()
            ends.pop().close()

    together(*[ask_and_shut(n) for n in range(1, 5)], cross)
    time.sleep(0.3)


@capture('healthy/reordered', vantage='both', expects=HEALTHY, ending='clean')
def reordered(stage):
    """A path of 4 ms on which one packet in eight is held up to 3 ms longer: out of order on arrival, nothing lost. Ten
    downloads of 40,000 octets (42001-42010).
    """
    stage.add_relay(4)
    luck = random.Random(5)

    def hold(packet):
        if luck.random() < 0.125:
            stage.relay.put(packet, stage.relay.delay + luck.uniform(0.0005, 0.003))
            return False
        return True

    stage.relay.rules.append(hold)
    http_server(stage, body=bytes(40_000))
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    bystanders(stage, 10)


@capture('healthy/rare-loss', vantage='server', expects=HEALTHY, ending='clean')
def rare_loss(stage):
    """What every long path shows: 3 of some 1,500 packets are lost and sent again. 40 downloads of 20,000 octets.
    """
    stage.add_relay(3)
    count = [0]

    def lose(_):
        count[0] += 1
        return count[0] not in (310, 702, 1203)

    stage.relay.rules.append(lose)
    http_server(stage, body=bytes(20_000))
    stage.tap(SERVER, snap=80)
    together(*[lambda k=k: bystanders(stage, 10, base=42000 + 10 * k, gap=0.01) for k in range(4)])


@capture('healthy/keepalive-probes', expects=HEALTHY)
def keepalive_probes(stage):
    """Four pooled connections (42001-42004) that are silent for 5 s but for TCP keepalive probes every second, all
    answered, then used again; a router with a 4 s limit between them keeps its memory of them.
    """
    importlib.import_module('middlebox_idle_timeout').box(stage, 'ct state invalid drop')
    http_server(stage)
    stage.tap(CLIENT, snap=120)
    probing = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1),
               (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1), (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)]

    def pooled(n):
        def work():
            connection = stage.connect(80, 42000 + n, options=probing)
            ask(connection)
            time.sleep(5 + 0.2 * n)
            ask(connection)
            connection.close()
        return work

    together(*[pooled(n) for n in range(1, 5)])


@capture('healthy/port-reused', expects=HEALTHY, ending='clean')
def port_reused(stage):
    """The same client ports (42001-42005) are used three times within two seconds, one connection after the other:
    same four-tuple, new sequence numbers, nothing amiss.
    """
    stage.tap(CLIENT, snap=96)

    def once(connection):
        read_head(connection)
        connection.sendall(reply(b'bye\n', more='Connection: close\r\n'))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        connection.close()

    stage.serve(81, once)
    for _ in range(3):
        for n in range(1, 6):
            connection = stage.connect(81, 42000 + n)
            ask(connection)
            connection.recv(1)
            connection.close()
        time.sleep(0.4)


@capture('healthy/sequence-wrap', vantage='both', expects=HEALTHY, ending='clean')
def sequence_wrap(stage):
    """Sequence numbers cross 2^32: the router shifts both directions' numbers (SACK blocks too), so that in the
    server's file the client's numbers and in the client's file the server's wrap a little after the handshake. Eight
    exchanges (42001-42008) of 3,000 octets up and 30,000 down, with a lost packet in each fourth.
    """
    stage.add_relay(2)
    Wrap(stage.relay)

    def handle(connection):
        read_head(connection)
        read_all(connection, 3000)
        connection.sendall(reply(bytes(30_000)))
        connection.recv(1)
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    for n in range(1, 9):
        connection = stage.connect(80, 42000 + n)
        connection.sendall(b'POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3000\r\n\r\n' + bytes(3000))
        read_reply(connection)
        connection.close()


class Wrap:
    """Shifts each connection's numbers so that both initial ones become 2^32 - 2000 beyond the router."""

    def __init__(self, relay):
        self.shift, self.data = {}, 0
        relay.rules.append(self.rewrite)

    def rewrite(self, packet):
        seg = Seg(packet)
        key, back = (seg.source, seg.sport, seg.dest, seg.dport), (seg.dest, seg.dport, seg.source, seg.sport)
        if seg.flags & 2:
            self.shift[key] = (0xFFFFFFFF - 2000 - seg.seq) % (1 << 32)
        ihl = (packet[0] & 15) * 4
        struct.pack_into('!I', packet, ihl + 4, (seg.seq + self.shift[key]) % (1 << 32))
        if seg.flags & 16:
            struct.pack_into('!I', packet, ihl + 8, (seg.ack - self.shift[back]) % (1 << 32))
        self.sack(packet, ihl, self.shift.get(back, 0))
        struct.pack_into('!H', packet, ihl + 16, 0)
        pseudo = bytes(packet[12:20]) + struct.pack('!BBH', 0, 6, seg.length - ihl)
        struct.pack_into('!H', packet, ihl + 16, checksum(pseudo + bytes(packet[ihl:])))
        self.data += seg.len > 1000
        return not (seg.len > 1000 and self.data % 97 == 0)

    @staticmethod
    def sack(packet, ihl, shift):
        at, stop = ihl + 20, ihl + (packet[ihl + 12] >> 4) * 4
        while at < stop and packet[at] != 0:
            size = 1 if packet[at] == 1 else packet[at + 1]
            if packet[at] == 5:
                for edge in range(at + 2, at + size, 4):
                    value = struct.unpack_from('!I', packet, edge)[0]
                    struct.pack_into('!I', packet, edge, (value - shift) % (1 << 32))
            at += size


@capture('injected-reset/blind-ignored', vantage='both', ending='clean', victims=0,
         expects={'verdict': 'benign', 'cause': 'injected-reset', 'culprit': 'middlebox'})
def blind_reset(stage):
    """Somebody off the path guesses: RSTs in the server's name, inside the client's window but not at the next number
    (RFC 5961), reach 42001-42004. The client answers with a challenge ACK and everything goes on: such a RST ends
    nothing; the attempt is worth a notice.
    """
    stage.add_relay(4)
    http_server(stage)
    done = set()

    def guess(packet):
        seg = Seg(packet)
        if seg.source == S and seg.len and seg.dport not in done:
            done.add(seg.dport)
            stage.relay.inject(segment(S, 80, seg.dest, seg.dport, seg.seq + seg.len + 9000, 0, 0x04, ttl=200, ident=9), 0.05)
        return True

    stage.relay.rules.append(guess)
    stage.tap(CLIENT, snap=120)
    stage.tap(SERVER, snap=120)
    together(*[keep_alive(stage, 42000 + n, 4, 0.1) for n in range(1, 5)])
