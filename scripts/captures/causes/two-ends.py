"""Captures at both ends of a way on which a router translates the addresses of both: client and server know each other by other
names, and a service address may stand for more than one server."""

import importlib
import socket
import struct

from make import capture
from stage import (CLIENT, ROUTER, SERVER, bystanders, chain, checksum, http_once, http_server, quiet, read_head, reply, seen, thread, together)

translated = importlib.import_module('translated')
VIP, ask, translate = translated.VIP, translated.ask, translated.translate


def both(stage, snap=120, **more):
    for at in (CLIENT, SERVER):
        stage.tap(at, snap=snap, **more)


@capture('packet-loss/translated', vantage='both', ending='clean',
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'culprit': 'network', 'certainty': 'confirmed'})
def losses(stage):
    """10.77.3.3:80 is forwarded to 10.77.2.2:8080 and clients are masqueraded; of what the router forwards 12 % is lost at
    random, both ways. Eight downloads of 20,000 octets (41001-41008). What the server sent again only its own capture
    shows, and there neither end has the name that the client's capture gives it.
    """
    translate(stage)
    stage.nft(ROUTER, chain('forward', 'numgen random mod 100 < 12 drop'))
    http_server(stage, 8080, body=bytes(20_000))
    both(stage, snap=96)
    together(*[lambda n=n: seen(lambda: http_once(stage, 80, 41000 + n, host=VIP, timeout=20)) for n in range(1, 9)])


@capture('firewall-reject/answers-rejected', vantage='both', victims=6, also=['path-lost'],
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox', 'certainty': 'confirmed'})
def answers(stage):
    """10.77.3.3:80 is forwarded to 10.77.2.2:8080 and clients are masqueraded. While 41001-41006 and 42001-42003 are in use, the
    router gets a rule that answers the server's segments to the former with `reject with tcp reset`: the server's answer
    never arrives, and the RST in the client's name is only in the server's capture. The client hears nothing.
    """
    translate(stage)
    http_server(stage, 8080, body=bytes(500))
    both(stage)
    victims = [stage.connect(80, 41000 + n, timeout=1.5, host=VIP) for n in range(1, 7)]
    others = [stage.connect(80, 42000 + n, timeout=4, host=VIP) for n in range(1, 4)]
    for connection in victims + others:
        ask(connection)
    stage.nft(ROUTER, chain('forward', 'iifname s0 tcp dport 41001-41006 reject with tcp reset'))
    together(*[lambda c=c, n=n: stage.note(f'connection {n}: next request: {seen(ask, c)}')
               for n, c in enumerate(victims + others, 1)])
    for connection in others:
        connection.close()


@capture('firewall-reject/icmp-in-its-name', vantage='both', ending='unreachable', victims=6,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox', 'certainty': 'likely'})
def icmp(stage):
    """10.77.3.3:80 is forwarded to 10.77.2.2:8080 and clients are masqueraded. The router answers the SYNs of 41001-41006 with
    `reject with icmp admin-prohibited` after translation, and translates that answer back: it comes from 10.77.3.3, the
    service's own address. 42xxx are served before and after.
    """
    translate(stage)
    http_server(stage, 8080, body=bytes(500))
    both(stage)
    stage.nft(ROUTER, chain('forward', 'tcp sport 41001-41006 tcp flags syn reject with icmp admin-prohibited'))
    bystanders(stage, 3, base=42000, host=VIP)
    for n in range(1, 7):
        stage.note(f'4100{n}: {seen(stage.connect, 80, 41000 + n, 2, VIP)}')
    bystanders(stage, 3, base=42010, host=VIP)


@capture('port-closed/one-of-two-backends', vantage='both', ending='refused', victims=6,
         expects={'verdict': 'inconclusive', 'cause': 'port-closed', 'certainty': 'possible'})
def backends(stage):
    """10.77.3.3:80 is balanced over 10.77.2.2:8080 and 10.77.2.3:8080, new connections by turns. At 10.77.2.3 nothing listens: the
    kernel there refuses 41001-41006. The capture "at the server" is one at 10.77.2.2 and holds none of them: that they never
    came there proves no filter on the way.
    """
    stage.run(SERVER, 'ip', 'addr', 'add', '10.77.2.3/24', 'dev', 'eth0')
    stage.nft(ROUTER, chain('prerouting', f'ip daddr {VIP} tcp dport 80 dnat to numgen inc mod 2 map {{ 0: 10.77.2.2, 1: 10.77.2.3 }}:8080',
                            kind='nat', table='ip n'))
    listener = stage.socket(SERVER, (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1))
    listener.bind(('10.77.2.2', 8080))
    listener.listen(64)

    def loop():
        while True:
            connection, _ = listener.accept()
            stage.callback(connection.close)
            read_head(connection)
            connection.sendall(reply())
            connection.close()

    thread(quiet, loop)
    stage.callback(lambda: listener.shutdown(socket.SHUT_RDWR))
    stage.tap(CLIENT, snap=120)
    stage.tap(SERVER, snap=120, only='ip host 10.77.2.2')
    for n in range(1, 7):
        http_once(stage, 80, 42000 + n, host=VIP)
        stage.note(f'4100{n}: {seen(stage.connect, 80, 41000 + n, 2, VIP)}')


@capture('healthy/payload-rewritten', vantage='both', stage={'delay_ms': 1}, expects={'verdict': 'healthy', 'cause': None})
def rewritten(stage):
    """The router writes other words of the same length into answers (as a filter or an "optimiser" does) and mends the checksum: what
    arrives is not what was sent, and TCP notices nothing.
    """
    def rule(packet):
        at = packet.find(b'original')
        if at < 0:
            return
        packet[at:at + 8] = b'replaced'
        ihl = (packet[0] & 15) * 4
        packet[ihl + 16:ihl + 18] = bytes(2)
        pseudo = bytes(packet[12:20]) + struct.pack('!BBH', 0, 6, len(packet) - ihl)
        packet[ihl + 16:ihl + 18] = struct.pack('!H', checksum(pseudo + bytes(packet[ihl:])))

    stage.relay.rules.append(rule)
    http_server(stage, 80, body=b'the original page\n' * 8)
    both(stage, snap=300)
    bystanders(stage, 6, base=42000)
