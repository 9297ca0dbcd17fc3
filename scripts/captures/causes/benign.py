"""What looks like trouble and is none: health-check, reset-after-exchange, client-cancelled, deferred-accept."""

import os
import socket
import time

from make import capture
from stage import CLIENT, SERVER, bystanders, get, http_server, linger_zero, quiet, read_all, read_head, read_reply, reply, seen, thread, together


@capture('health-check/two-balancers', vantage='server', victims=0, stage={'clients': 8},
         expects={'verdict': 'benign', 'cause': 'health-check'})
def health_check(stage):
    """Two balancers look every 0.5 s whether port 80 is open: 10.77.1.9 resets the connection as soon as it stands
    (SO_LINGER 0), 10.77.1.8 closes it with FIN; neither sends an octet. The users' requests (42001-42010) are fine.
    """
    http_server(stage)
    stage.tap(SERVER, snap=96)

    def check(source, abort):
        def work():
            for _ in range(10):
                connection = stage.connect(80, source=source)
                if abort:
                    linger_zero(connection)
                connection.close()
                time.sleep(0.5)
        return work

    together(check('10.77.1.9', True), check('10.77.1.8', False), lambda: bystanders(stage, 10, gap=0.5, source='10.77.1.2'))


@capture('health-check/haproxy-http', vantage='server', victims=0, stage={'clients': 8},
         expects={'verdict': 'benign', 'cause': 'health-check', 'variant': 'http'}, also=['reset-after-exchange'])
def haproxy_http(stage):
    """A real HAProxy (10.77.1.2) checks two servers every second: port 80 with "option httpchk GET /health", port 8080 with
    "option httpchk" alone, which asks OPTIONS / HTTP/1.0. When it has read the status it closes (SO_LINGER 0), so each check
    ends by RST; on port 80 in the middle of the answer, which is sent in two pieces. The users' requests, from 10.77.1.9
    (42001-42010), are fine.
    """
    def in_pieces(connection):
        if not read_head(connection):
            return connection.close()
        connection.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: 30\r\n\r\n')
        time.sleep(0.05)
        connection.sendall(b'ok ' * 10)
        connection.close()

    stage.serve(80, lambda connection: quiet(in_pieces, connection))
    http_server(stage, 8080)
    path = os.path.join(stage.dir, 'haproxy.cfg')
    with open(path, 'w') as file:
        file.write(HAPROXY_CHECKS)
    stage.tap(SERVER, snap=256)
    stage.spawn(CLIENT, 'haproxy', '-db', '-f', path)
    bystanders(stage, 10, gap=0.8, source='10.77.1.9')


HAPROXY_CHECKS = """
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen unused
  bind 127.0.0.1:9
backend pages
  option httpchk GET /health
  server one 10.77.2.2:80 check inter 1s
backend static
  option httpchk
  server one 10.77.2.2:8080 check inter 1s
"""


@capture('reset-after-exchange/late-goodbye', victims=0,
         expects={'verdict': 'benign', 'cause': 'reset-after-exchange'})
def late_goodbye(stage):
    """Every client (41001-41008) gets its whole answer. 41001-41004 close, and the server then says a last word (31
    octets, as a TLS close_notify) and closes: both are answered with RST by a client that has gone. 41005-41008
    close with SO_LINGER 0 after the complete answer. 42001-42003 end in the usual way.
    """
    def handle(connection):
        head = read_head(connection)
        connection.sendall(reply(b'all of it\n' * 50))
        connection.recv(1)
        if b'/bye' in head:
            connection.sendall(b'\x15\x03\x03\x00\x1a' + bytes(26))
        connection.close()

    stage.serve(80, lambda connection: quiet(handle, connection))
    stage.tap(CLIENT, snap=200)
    for n in range(1, 9):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/bye' if n < 5 else '/'))
        read_reply(connection)
        if n > 4:
            linger_zero(connection)
        connection.close()
        if n < 4:
            bystanders(stage, 1, base=41999 + n)
        time.sleep(0.2)


@capture('client-cancelled/downloads', endedBy='client', victims=0,
         expects={'verdict': 'benign', 'cause': 'client-cancelled'}, also=['close-with-unread-data'])
def downloads(stage):
    """A server streams 4,000 octets every 50 ms. Five users (41001-41005) stop their download after 0.3 to 2.1 s;
    until then their programs had read everything, the window was never small. The rest of the stream meets a
    closed socket (RST). Two others (42001-42002) get theirs to the end, 42011-42014 short ones.
    """
    def handle(connection):
        read_head(connection)
        connection.sendall(reply(b'', length=120_000))
        for _ in range(30):
            connection.sendall(bytes(4000))
            time.sleep(0.05)
        connection.recv(1)
        connection.close()

    stage.serve(80, lambda connection: quiet(handle, connection))
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=160)

    def user(sport, patience_s, start_s):
        def work():
            time.sleep(start_s)
            connection = stage.connect(80, sport)
            connection.sendall(get('/film'))
            until, got = time.monotonic() + patience_s, 0
            while time.monotonic() < until and got < 120_000:
                got += len(connection.recv(65536))
            connection.close()
            stage.note(f'{sport}: left after {got} octets')
        return work

    together(*[user(41000 + n, (0.31, 0.74, 1.02, 0.55, 1.23)[n - 1], 0.4 * n) for n in range(1, 6)],
             user(42001, 9, 0.2), user(42002, 9, 1.0), lambda: bystanders(stage, 4, 8080, base=42010, gap=0.5))


@capture('deferred-accept/idle-clients', vantage='both', ending='clean', victims=0,
         expects={'verdict': 'benign', 'cause': 'deferred-accept'})
def deferred(stage):
    """The listener has TCP_DEFER_ACCEPT (1 s). Clients 41001-41004 connect and send their request 1.4 to 3 s later: in
    between the server repeats its SYN-ACK once, as if the ACK had been lost. All are answered. 42001-42005
    ask at once.
    """
    http_server_deferred(stage)
    stage.tap(CLIENT, snap=128)
    stage.tap(SERVER, snap=128)

    def late(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=8)
            time.sleep(1 + 0.4 * n + (0.4 if n == 4 else 0))
            connection.sendall(get('/'))
            stage.note(f'4100{n}: {seen(lambda: len(read_reply(connection)))} octets')
            connection.close()
        return work

    together(*[late(n) for n in range(1, 5)], lambda: bystanders(stage, 5, gap=0.6))


def http_server_deferred(stage):
    def handle(connection):
        while read_head(connection):
            connection.sendall(reply(b'ok\n'))
        connection.close()
    stage.serve(80, handle, options=[(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)])
