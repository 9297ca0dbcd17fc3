"""syn-queue-overflow: too many half-made connections, or the one ACK that a SYN cookie needs got lost."""

import socket
import time

from make import capture
from stage import CLIENT, ROUTER, SERVER, Seg, bystanders, chain, http_server, read_all, seen, segment, together


@capture('syn-queue-overflow/cookie-ack-lost', vantage='both',
         stage={'delay_ms': 5, 'sysctls': {'net.ipv4.tcp_syncookies': 2}}, victims=5,
         expects={'verdict': 'problem', 'cause': 'syn-queue-overflow', 'variant': 'cookie-ack-lost', 'culprit': 'server'},
         clientAlone={'verdict': 'inconclusive', 'cause': 'syn-queue-overflow', 'variant': 'cookie-ack-lost',
                      'certainty': 'possible'})
def cookie_ack_lost(stage):
    """A mail server (the server speaks first) while SYN cookies are in use. For five clients (41001-41005) the
    router loses the ACK that completes the handshake. The server has kept nothing, so it repeats no SYN-ACK;
    the client waits for the greeting until it gives up after 4 s. Others (42001-42006) get their greeting.
    What Linux 6.18 then does: the client's FIN carries the cookie's proof too, so only then the server makes the
    connection, accepts it and greets a client that has left (which answers with RST).
    """
    def greet(connection):
        connection.sendall(b'220 mail.test ESMTP\r\n')
        read_all(connection)
        connection.close()
    stage.serve(25, greet)
    lost = set()

    def lose(packet):
        seg = Seg(packet)
        if 41000 < seg.sport < 41100 and seg.flags == 0x10 and seg.len == 0 and seg.sport not in lost:
            lost.add(seg.sport)
            return False
        return True

    stage.relay.rules.append(lose)
    stage.tap(CLIENT, snap=128)
    stage.tap(SERVER, snap=128)

    def victim(n, wait_s=4.0):
        def work():
            connection = stage.connect(25, 41000 + n)
            connection.settimeout(wait_s)
            stage.note(f'4100{n}: {seen(connection.recv, 100)}')
            connection.close()
        return work

    def others():
        for n in range(1, 7):
            connection = stage.connect(25, 42000 + n)
            connection.recv(100)
            connection.close()
            time.sleep(0.5)

    together(*[victim(n) for n in range(1, 6)], others)
    time.sleep(1.5)


@capture('syn-queue-overflow/no-cookies', vantage='server', ending='unanswered', victims=5,
         stage={'sysctls': {'net.ipv4.tcp_syncookies': 0}},
         expects={'verdict': 'inconclusive', 'cause': 'syn-queue-overflow', 'culprit': 'server', 'certainty': 'possible'},
         also=['accept-queue-overflow'])
def no_cookies(stage):
    """A listener with backlog 10 and no SYN cookies. Eleven SYNs from addresses that never answer
    (10.77.1.200-210; the maker forges them) fill its queue of half-made connections; five real clients
    (41001-41005) then get no answer for the 2.5 s that they wait. Port 8080 (42001-42005) is healthy.
    What tells it from a full accept queue in the packets of the server: its SYN-ACKs, repeated and unanswered.
    """
    http_server(stage, 8080)
    listener = stage.listen(80, 10)
    stage.nft(ROUTER, chain('forward', 'ip daddr 10.77.1.200-10.77.1.220 drop'))
    with stage.inside(CLIENT):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    stage.tap(SERVER, snap=96)
    mss = b'\x02\x04\x05\xb4'
    for n in range(11):
        raw.sendto(segment(f'10.77.1.{200 + n}', 3000 + n, '10.77.2.2', 80, 0x1000 * n + 7, 0, 2, window=64240,
                           options=mss), ('10.77.2.2', 0))
    time.sleep(0.3)

    def victim(n):
        return lambda: stage.note(f'connect from 4100{n}: {seen(lambda: stage.connect(80, 41000 + n, timeout=2.5))}')

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 5, 8080, gap=0.4))
    raw.close()
    listener.close()
