"""injected-reset: something on the path sends RST in the name of an end."""

import time

from make import capture
from stage import CLIENT, SERVER, Seg, bystanders, get, http_server, read_reply, seen, segment


def censor(stage, towards_server, times=1):
    """The router answers a request with "forbidden" in it by forged RSTs, and lets the request pass."""
    done = set()

    def watch(packet):
        seg = Seg(packet)
        if seg.is_tcp and b'forbidden' in packet and seg.sport not in done:
            done.add(seg.sport)
            for n in range(times):
                stage.relay.inject(segment(seg.dest, seg.dport, seg.source, seg.sport, seg.ack, seg.seq + seg.len, 0x14,
                                           ttl=111, ident=0xd431 - 7 * n, window=1100 + n), 0.0005 * n)
            if towards_server:
                stage.relay.inject(segment(seg.source, seg.sport, seg.dest, seg.dport, seg.seq, seg.ack, 0x04,
                                           ttl=113, ident=0x4711), 0.001)
        return True

    stage.relay.rules.append(watch)


def visit(stage, sport, path, rounds=1):
    connection = stage.connect(80, sport)

    def ask(what):
        connection.sendall(get(what))
        return len(read_reply(connection))

    for _ in range(rounds):
        ask('/news')
    stage.note(f'{sport} {path}: {seen(ask, path)}')
    connection.close()


@capture('injected-reset/towards-client', vantage='both', ending='reset', endedBy='server', victims=5,
         stage={'delay_ms': 8}, clientBehindByMs=730,
         expects={'verdict': 'problem', 'cause': 'injected-reset', 'culprit': 'middlebox'})
def towards_client(stage):
    """The router looks into requests. On the word "forbidden" it sends the client three RSTs in the server's name (TTL
    110 where the server's packets have 62, IP ID and window unlike the server's, half a round trip too
    early) and lets the request pass: the server's real answer arrives after the RST and gets one from the
    client. 41001-41005 are hit on their second request; 42001-42005 ask for other things. The clock of the client's
    capture is 730 ms behind that of the server's (shifted afterwards).
    """
    http_server(stage)
    censor(stage, False, times=3)
    stage.tap(CLIENT, snap=200)
    stage.tap(SERVER, snap=200)
    for n in range(1, 6):
        visit(stage, 41000 + n, '/forbidden')
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.1)


@capture('injected-reset/both-ends', vantage='both', ending='reset', victims=5, stage={'delay_ms': 8},
         expects={'verdict': 'problem', 'cause': 'injected-reset', 'culprit': 'middlebox'})
def both_ends(stage):
    """As injected-reset/towards-client, with one RST to each end: the server's capture shows a RST from the client
    that the client never sent, before the request itself.
    """
    http_server(stage)
    censor(stage, True)
    stage.tap(CLIENT, snap=200)
    stage.tap(SERVER, snap=200)
    for n in range(1, 6):
        visit(stage, 41000 + n, '/forbidden', rounds=2)
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.1)
