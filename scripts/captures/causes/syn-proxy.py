"""A router that answers handshakes itself and connects to the server only then (nft synproxy): both ends have other sequence
numbers of the server, and other timestamps of it."""

import time

from make import capture
from stage import CLIENT, ROUTER, SERVER, chain, get, http_server, read_reply, seen

RULES = """
table ip proxy {
  chain before {
    type filter hook prerouting priority -300; policy accept;
    ip daddr 10.77.2.2 tcp dport 8080 tcp flags syn notrack
  }
  chain passing {
    type filter hook forward priority 0; policy accept;
    ip daddr 10.77.2.2 tcp dport 8080 ct state { invalid, untracked } synproxy mss 1460 wscale 7 timestamp sack-perm
    ct state invalid drop
  }
}
"""


def proxy(stage):
    stage.sysctl(ROUTER, **{'net.netfilter.nf_conntrack_tcp_loose': 0})
    stage.nft(ROUTER, RULES)
    http_server(stage, 8080, body=bytes(500))


def ask(connection):
    connection.sendall(get('/'))
    return len(read_reply(connection))


@capture('healthy/any-syn-proxy', vantage='router', expects={'verdict': 'healthy', 'cause': None})
def healthy(stage):
    """The router is a SYN proxy (nft `synproxy`) before 10.77.2.2:8080, and the capture is taken on it with `-i any`: each connection
    is there twice under the same addresses, with two SYN-ACKs that have other sequence numbers, and the second handshake
    follows the first. Eight connections with three requests each.
    """
    proxy(stage)
    stage.tap(ROUTER, snap=120, dev='any')

    connections = [stage.connect(8080, 42000 + n, timeout=4) for n in range(1, 9)]
    for _ in range(3):
        for connection in connections:
            ask(connection)
    for connection in connections:
        connection.close()


@capture('injected-reset/behind-syn-proxy', vantage='both', ending='reset', endedBy='server', victims=6, also=['firewall-reject'],
         expects={'verdict': 'problem', 'cause': 'injected-reset', 'culprit': 'middlebox', 'certainty': 'confirmed'})
def cut(stage):
    """As healthy/any-syn-proxy, captured at client and server. While 41001-41006 and 42001-42003 are in use, the router gets a rule
    that answers the data of the former with `reject with tcp reset`. The RST has the TTL of the SYN-ACK, which the proxy
    made, too.
    """
    proxy(stage)
    stage.tap(CLIENT, snap=120)
    stage.tap(SERVER, snap=120)
    victims = [stage.connect(8080, 41000 + n, timeout=4) for n in range(1, 7)]
    others = [stage.connect(8080, 42000 + n, timeout=4) for n in range(1, 4)]
    for connection in victims + others:
        ask(connection)
    stage.nft(ROUTER, chain('forward', 'tcp sport 41001-41006 tcp dport 8080 reject with tcp reset'))
    for n, connection in enumerate(victims + others, 1):
        stage.note(f'connection {n}: next request: {seen(ask, connection)}')
    time.sleep(0.2)
    for connection in others:
        ask(connection)
        connection.close()
