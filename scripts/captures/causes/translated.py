"""Captures of a router that translates addresses, taken on the router with `-i any`: each connection is in them twice,
once with the addresses before translation and once with those after it."""

import importlib
import time

from make import capture
from stage import (ROUTER, bystanders, chain, get, http_server, read_reply, seen, thread, together)

VIP = '10.77.3.3'


def translate(stage, *, to='10.77.2.2:8080'):
    """As on a container host or a home router: a service address is forwarded inside, and clients are hidden behind the router."""
    stage.nft(ROUTER, chain('prerouting', f'ip daddr {VIP} tcp dport 80 dnat to {to}', kind='nat', table='ip n')
              + chain('postrouting', 'oifname s0 masquerade', kind='nat', table='ip m'))


def ask(connection):
    connection.sendall(get('/'))
    return len(read_reply(connection))


def keep_alive(stage, sport, pauses):
    connection = stage.connect(80, sport, timeout=4, host=VIP)
    ask(connection)
    for pause in pauses:
        time.sleep(pause)
        ask(connection)
    connection.close()


@capture('healthy/any-translated', vantage='router', expects={'verdict': 'healthy', 'cause': None})
def healthy(stage):
    """10.77.3.3:80 is forwarded to 10.77.2.2:8080 and clients are masqueraded, all on the router, where the capture is taken with
    `-i any`. Twelve connections with four requests each; every packet is there twice, with two pairs of addresses.
    tshark counts 24 streams; there are twelve connections.
    """
    translate(stage)
    http_server(stage, 8080, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    together(*[lambda n=n: keep_alive(stage, 42000 + n, [0.1] * 3) for n in range(1, 13)])


@capture('firewall-reject/any-translated', vantage='router', ending='reset', victims=6,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox'})
def rejected(stage):
    """As healthy/any-translated. While 41001-41006 and 42001-42003 are in use, the router gets a rule that answers the data of the
    former with `reject with tcp reset`: their request comes in before translation and never goes out after it, and the RST in
    the server's name is only on the client's side. Bystanders 42xxx go on.
    """
    translate(stage)
    http_server(stage, 8080, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    victims = [stage.connect(80, 41000 + n, timeout=4, host=VIP) for n in range(1, 7)]
    others = [stage.connect(80, 42000 + n, timeout=4, host=VIP) for n in range(1, 4)]
    for connection in victims + others:
        ask(connection)
    stage.nft(ROUTER, chain('forward', 'tcp sport 41001-41006 tcp dport 8080 reject with tcp reset'))
    time.sleep(0.4)
    for n, connection in enumerate(victims + others):
        stage.note(f'connection {n + 1}: next request: {seen(ask, connection)}')
    for connection in others:
        connection.close()
    time.sleep(0.2)


@capture('connect-filtered/any-translated', vantage='router', ending='unanswered', victims=6,
         expects={'verdict': 'problem', 'cause': 'connect-filtered', 'culprit': 'middlebox'})
def dropped(stage):
    """As healthy/any-translated; the router also forwards 10.77.3.3:81 to port 8081 of the server, where the same program
    listens, but its forward chain drops SYNs to that port: they come in and never go out. 42xxx use port 80 and are served.
    """
    translate(stage)
    stage.nft(ROUTER, chain('prerouting', f'ip daddr {VIP} tcp dport 81 dnat to 10.77.2.2:8081', kind='nat', table='ip o')
              + chain('forward', 'tcp dport 8081 drop'))
    http_server(stage, 8080, body=bytes(3000))
    http_server(stage, 8081, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    works = [thread(lambda n=n: seen(stage.connect, 81, 41000 + n, 4, VIP)) for n in range(1, 7)]
    bystanders(stage, 8, base=42000, gap=0.2, host=VIP)
    for one in works:
        one.join(8)


@capture('middlebox-idle-timeout/any-translated', vantage='router', victims=6,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'culprit': 'middlebox'})
def forgotten(stage):
    """As healthy/any-translated, and the router forgets connections after 3 s of silence (nf_conntrack_tcp_timeout_established),
    does not take up what it has forgotten (tcp_loose=0) and drops what it does not know (`ct state invalid drop`). 41001-41006 are
    silent for 5 s: their next request comes into the router again and again and never goes out. 42001-42004 are silent for 1.5 s
    at most and go on.
    """
    translate(stage)
    stage.nft(ROUTER, chain('forward', 'ct state invalid drop'))
    stage.sysctl(ROUTER, **{'net.netfilter.nf_conntrack_tcp_timeout_established': 3,
                            'net.netfilter.nf_conntrack_tcp_loose': 0})
    http_server(stage, 8080, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')

    def victim(n):
        def work():
            stage.note(f'{n}: {seen(keep_alive, stage, n, [1, 5])}')
        return work

    together(*[victim(41000 + n) for n in range(1, 7)],
             *[lambda n=n: keep_alive(stage, 42000 + n, [1.5] * 6) for n in range(1, 5)])


@capture('firewall-reject/any-forward-missing', vantage='router', ending='refused', victims=6,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'variant': 'by-box', 'culprit': 'middlebox', 'certainty': 'likely'})
def no_rule(stage):
    """The router forwards port 80 of its own address 10.77.1.1 to 10.77.2.2:8080. For port 81 the rule was forgotten: the
    router's own TCP answers RST (41001-41006), and nothing goes on to the server. 42xxx use port 80.
    """
    stage.nft(ROUTER, chain('prerouting', 'ip daddr 10.77.1.1 tcp dport 80 dnat to 10.77.2.2:8080', kind='nat', table='ip n')
              + chain('postrouting', 'oifname s0 masquerade', kind='nat', table='ip m'))
    http_server(stage, 8080, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    for n in range(1, 7):
        stage.note(f'4100{n}: {seen(stage.connect, 81, 41000 + n, 3, "10.77.1.1")}')
        bystanders(stage, 1, base=42000 + n, host='10.77.1.1')


@capture('conntrack-invalid/any-translated', vantage='router', ending='reset', victims=4,
         expects={'verdict': 'problem', 'cause': 'conntrack-invalid', 'culprit': 'middlebox', 'certainty': 'confirmed'})
def untranslated(stage):
    """As conntrack-invalid/un-dnat, taken on the router with `-i any`: on 41001-41004 a segment of the server passes the router
    untranslated, which the two equal copies of it prove, and so does the client's RST to it.
    """
    importlib.import_module('conntrack_invalid').un_dnat(stage, taps=[ROUTER])
