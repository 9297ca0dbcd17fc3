"""Five causes over IPv6: no IP-ID, no fragments by routers, other headers, the same kernels."""

import contextlib
import importlib
import socket
import struct
import threading
import time

from make import capture
from stage import (CLIENT, ROUTER, S6, SERVER, bystanders, get, http_once, http_server, read_reply, reply, seen, thread,
                   together)

SIX = {'ipv6': True}
ALL = 3  # ETH_P_ALL: what is sent as well


def both(stage, **more):
    stage.tap(CLIENT, only='ip6', **more)
    stage.tap(SERVER, only='ip6', **more)


def sixes(stage, count, **more):
    bystanders(stage, count, host=S6, **more)


@capture('accept-queue-overflow/syn-dropped-ipv6', vantage='both', stage=SIX,
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'syn-dropped', 'culprit': 'server'},
         clientAlone={'verdict': 'inconclusive', 'cause': 'accept-queue-overflow', 'certainty': 'possible'})
def accept_queue(stage):
    """A server with a backlog of 2 takes 0.5 s for each connection, one after the other. Fourteen clients come within
    0.7 s (41001-41014): three wait in the queue, the SYNs of most of the others are dropped and sent again.
    """
    listener = stage.listen(80, 2)
    both(stage, snap=128)

    def one_by_one():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.recv(1000)
                time.sleep(0.5)
                connection.sendall(reply(b'ok\n'))
                connection.close()

    def user(n):
        def work():
            time.sleep(0.05 * n)
            with contextlib.suppress(OSError):
                connection = stage.connect(80, 41000 + n, timeout=6, host=S6)
                connection.sendall(get('/'))
                stage.note(f'{41000 + n}: {seen(lambda: len(read_reply(connection)))} octets')
                connection.close()
        return work

    thread(one_by_one)
    together(*[user(n) for n in range(1, 15)])


@capture('close-with-unread-data/unread-request-ipv6', ending='reset', endedBy='server', victims=5, stage=SIX,
         expects={'verdict': 'problem', 'cause': 'close-with-unread-data', 'variant': 'unread-request', 'culprit': 'server'})
def unread_request(stage):
    """The server answers a first request, waits, and closes while a second one (41001-41005) lies unread in its receive
    queue. 42001-42004 are answered.
    """
    def handle(connection):
        read = 0
        while head := connection.recv(36 if read else 4096):
            read += 1
            if b'/late' in head and read == 1:
                connection.sendall(reply(b'first\n'))
                time.sleep(0.4)
                break
            connection.sendall(reply(b'ok\n'))
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200, only='ip6')
    for n in range(1, 6):
        connection = stage.connect(80, 41000 + n, host=S6)
        connection.sendall(get('/late'))
        read_reply(connection)
        connection.sendall(get('/again'))
        stage.note(f'4100{n}: {seen(read_reply, connection)}')
        connection.close()
        if n < 5:
            http_once(stage, 80, 42000 + n, host=S6)


@capture('injected-reset/ipv6', vantage='both', ending='reset', endedBy='server', victims=5, stage=SIX,
         expects={'verdict': 'problem', 'cause': 'injected-reset', 'culprit': 'middlebox'})
def injected(stage):
    """The router listens to what it forwards, and when the server's answer to a first request has passed it sends the
    client a RST,ACK in the server's name: hop limit 200 where the server's packets have 63, no timestamps, window 1400.
    The server knows nothing of it (41001-41005). 42001-42005 are left alone.
    """
    http_server(stage)
    both(stage, snap=200)
    stop = threading.Event()
    with stage.inside(ROUTER):
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ALL))
        sniffer.bind(('c0', ALL))
        sniffer.settimeout(0.2)
        sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def censor():
        hit = set()
        while not stop.is_set():
            with contextlib.suppress(OSError):
                packet = sniffer.recv(2000)
                if packet[0] >> 4 != 6 or packet[6] != socket.IPPROTO_TCP:
                    continue
                sport, dport, seq, ack = struct.unpack('!HHII', packet[40:52])
                size = struct.unpack('!H', packet[4:6])[0] - (packet[52] >> 4) * 4
                if sport == 80 and size > 0 and 41000 < dport < 42000 and dport not in hit:
                    hit.add(dport)
                    sender.sendto(reset6(packet, sport, dport, seq + size, ack), (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))

    thread(censor)
    for n in range(1, 6):
        connection = stage.connect(80, 41000 + n, host=S6)
        connection.sendall(get('/news'))
        read_reply(connection)
        time.sleep(0.1)
        stage.note(f'4100{n}: {seen(lambda: (connection.sendall(get("/more")), read_reply(connection)))}')
        connection.close()
        http_once(stage, 80, 42000 + n, host=S6)
    time.sleep(0.5)
    stop.set()
    sniffer.close()
    sender.close()


def reset6(packet, sport, dport, seq, ack):
    """A RST,ACK that looks as if it followed `packet`, by hand."""
    tcp = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xFFFFFFFF, ack, 5 << 4, 0x14, 1400, 0, 0)
    pseudo = packet[8:40] + struct.pack('!IHBB', len(tcp), 0, 0, 6)
    checksum = importlib.import_module('stage').checksum(pseudo + tcp)
    tcp = tcp[:16] + struct.pack('!H', checksum) + tcp[18:]
    return struct.pack('!IHBB', 6 << 28, len(tcp), 6, 201) + packet[8:40] + tcp


@capture('middlebox-idle-timeout/reset-ipv6', vantage='both', ending='reset', endedBy='server', victims=5, stage=SIX,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'reset', 'culprit': 'middlebox'})
def idle_reset(stage):
    """As middlebox-idle-timeout/reset: the router forgets a connection after 4 s of silence and answers its next packet
    by RST (nft `reject with tcp reset`), of which the server sees nothing.
    """
    idle = importlib.import_module('middlebox_idle_timeout')
    idle.box(stage, 'ct state invalid reject with tcp reset')
    idle.ladder(stage, host=S6, tap=lambda: both(stage, snap=160))


@capture('port-closed/ipv6', ending='refused', endedBy='server', victims=5, stage=SIX,
         expects={'verdict': 'problem', 'cause': 'port-closed', 'culprit': 'server'})
def refused(stage):
    """Nothing listens on port 81 (41001-41005: ECONNREFUSED); port 80 of the same host serves 42001-42004."""
    http_server(stage)
    stage.tap(CLIENT, snap=160, only='ip6')
    for n in range(1, 6):
        stage.note(f'4100{n}: {seen(stage.connect, 81, 41000 + n, 3.0, S6)}')
        if n < 5:
            http_once(stage, 80, 42000 + n, host=S6)
        time.sleep(0.1)
    sixes(stage, 1, base=42010)
