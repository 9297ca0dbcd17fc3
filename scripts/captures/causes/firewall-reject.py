"""firewall-reject: a filter on the way answers in the server's name, or by ICMP."""

import time

from make import capture
from stage import S6, CLIENT, ROUTER, SERVER, bystanders, chain, get, http_server, read_reply, seen


@capture('firewall-reject/syn-tcp-reset', vantage='both', ending='refused', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox'})
def syn_tcp_reset(stage):
    """The router rejects port 81 with `reject with tcp reset`; a service does listen there. The RST carries
    the router's TTL (64 at the client; the server's own packets arrive with 63), and the server's capture has
    none of these SYNs. Victims 41001-41005, answered requests to port 80 on 42001-42004.
    """
    http_server(stage)
    http_server(stage, 81)
    stage.nft(ROUTER, chain('forward', 'tcp dport 81 reject with tcp reset'))
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    for n in range(1, 6):
        stage.note(f'connect from 4100{n}: {seen(stage.connect, 81, 41000 + n)}')
        bystanders(stage, 1 if n < 5 else 0, base=41999 + n)
        time.sleep(0.2)


@capture('firewall-reject/icmp-admin-prohibited', ending='unreachable', victims=5,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox'})
def icmp_prohibited(stage):
    """The router rejects port 81 with ICMP "communication administratively prohibited" (type 3 code 13).
    Victims 41001-41005, answered requests to port 80 on 42001-42004.
    """
    http_server(stage)
    http_server(stage, 81)
    stage.nft(ROUTER, chain('forward', 'tcp dport 81 reject with icmp type admin-prohibited'))
    stage.tap(CLIENT, snap=128)
    for n in range(1, 6):
        stage.note(f'connect from 4100{n}: {seen(stage.connect, 81, 41000 + n)}')
        bystanders(stage, 1 if n < 5 else 0, base=41999 + n)
        time.sleep(0.2)


@capture('firewall-reject/established-tcp-reset', vantage='both', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox'},
         also=['injected-reset'])
def established(stage):
    """Five keep-alive connections (41001-41005) to port 8443 are in use, when a new rule on the router rejects
    that port with `reject with tcp reset`: the next request of each gets a RST with the router's TTL; the
    server never hears of it and keeps its sockets. The capture at the server ends with them open. Requests to
    port 80 (42001-42004) go on being answered.
    """
    http_server(stage)
    http_server(stage, 8443)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    pool = [stage.connect(8443, 41000 + n) for n in range(1, 6)]

    def ask(connection):
        connection.sendall(get('/orders'))
        return len(read_reply(connection))

    for _ in range(2):
        for connection in pool:
            ask(connection)
        bystanders(stage, 1, base=42000 + _)
        time.sleep(0.3)
    stage.nft(ROUTER, chain('forward', 'tcp dport 8443 reject with tcp reset'))
    for n, connection in enumerate(pool, 1):
        stage.note(f'request on 4100{n}: {seen(ask, connection)}')
        time.sleep(0.1)
    bystanders(stage, 2, base=42002)


@capture('firewall-reject/ipv6', ending='unreachable', victims=5, stage={'ipv6': True},
         expects={'verdict': 'problem', 'cause': 'firewall-reject', 'culprit': 'middlebox'})
def over_ipv6(stage):
    """IPv6: the router rejects port 81 with ICMPv6 "administratively prohibited" (type 1 code 1) for 41001-41005 and
    with a TCP reset for port 82 (41011-41014; hop limit 64, where the server's packets arrive with 63). 42001-42004
    are answered on port 80.
    """
    http_server(stage)
    stage.nft(ROUTER, chain('forward', 'tcp dport 81 reject with icmpv6 type admin-prohibited',
                            'tcp dport 82 reject with tcp reset', table='ip6 t'))
    stage.tap(CLIENT, snap=160, only='tcp or (icmp6 and ip6[40] < 128)')
    for n in range(1, 6):
        stage.note(f'connect from 4100{n}: {seen(lambda: stage.connect(81, 41000 + n, host=S6))}')
        if n < 5:
            stage.note(f'connect from 4101{n}: {seen(lambda: stage.connect(82, 41010 + n, host=S6))}')
            bystanders(stage, 1, base=41999 + n, host=S6)
        time.sleep(0.2)
