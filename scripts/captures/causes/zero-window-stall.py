"""zero-window-stall: the reader does not read."""

import socket
import time

from make import capture
from stage import CLIENT, SERVER, bystanders, get, http_server, read_all, read_head, seen, together


@capture('zero-window-stall/client-stops-reading', vantage='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'zero-window-stall', 'culprit': 'client'})
def client_stops_reading(stage):
    """Five clients (41001-41005) with a small receive buffer ask for 120,000 octets and stop reading after the first
    4,000 for 5 s: their window is zero, the server's kernel probes it and is told zero each time. Three then read
    the rest; two are still stalled when the capture ends. 42001-42005 read at once.
    """
    http_server(stage, body=bytes(120_000))
    http_server(stage, 8080)
    stage.tap(SERVER, snap=96)

    def victim(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=10, options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)])
            connection.sendall(get('/export'))
            read_head(connection)
            read_all(connection, 4000)
            time.sleep(5)
            if n < 4:
                stage.note(f'4100{n}: {seen(lambda: len(read_all(connection, 116_000)))} more octets')
                connection.close()
        return work

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 5, 8080, gap=0.8))
    time.sleep(1)


@capture('zero-window-stall/server-stops-reading', victims=4,
         expects={'verdict': 'problem', 'cause': 'zero-window-stall', 'culprit': 'server'})
def server_stops_reading(stage):
    """Four uploads (41001-41004) to a server that stops reading after the first 2,000 octets: zero window from the
    server, probes from the client, until the clients give up after 5 s. Port 8080 (42001-42005) is healthy.
    """
    def stuck(connection):
        read_all(connection, 2000)
        time.sleep(30)

    stage.serve(80, stuck, options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)])
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=96)

    def victim(n):
        def work():
            connection = stage.connect(80, 41000 + n, timeout=5,
                                       options=[(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)])
            connection.sendall(b'PUT /backup HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 500000\r\n\r\n')
            stage.note(f'4100{n}: {seen(connection.sendall, bytes(500_000))}')
            connection.close()
        return work

    together(*[victim(n) for n in range(1, 5)], lambda: bystanders(stage, 5, 8080, gap=0.8))
    time.sleep(1)
