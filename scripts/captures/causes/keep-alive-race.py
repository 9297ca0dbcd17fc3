"""keep-alive-race: a request and the server's idle close cross on the wire."""

import importlib
import time

from make import capture
from stage import CLIENT, SERVER, get, read_head, read_reply, reply, seen, together

IDLE_S = 2.0


@capture('keep-alive-race/crossed', vantage='both', ending='reset-after-close', endedBy='server', victims=5,
         stage={'delay_ms': 10},
         expects={'verdict': 'problem', 'cause': 'keep-alive-race', 'culprit': 'server'})
def crossed(stage):
    """The server closes keep-alive connections after 2.0 s of silence; the path takes 10 ms each way. Five clients
    (41001-41005) send their second request 2.0 s after the answer: FIN and request cross, the server's kernel
    gets the request after close() and answers RST with the sequence number of the FIN (not the one after it). As the
    clients see the FIN at once and close, the RST comes after both FINs there (after one, in the server's file).
    Others ask again after 0.4 to 1.6 s (42001-42004) and are answered, or stay silent, see the FIN at
    2.0 s and close (42011-42014).
    """
    def handle(connection):
        connection.settimeout(IDLE_S)
        while read_head(connection):
            connection.sendall(reply(b'ok\n'))
        connection.close()

    def serve(connection):
        try:
            handle(connection)
        except TimeoutError:
            connection.close()

    stage.serve(80, serve)
    stage.tap(CLIENT, snap=200)
    stage.tap(SERVER, snap=200)

    def client(sport, idle_s, start_s):
        def work():
            time.sleep(start_s)
            connection = stage.connect(80, sport)
            connection.sendall(get('/1'))
            read_reply(connection)
            answered = time.monotonic()
            connection.settimeout(5)

            def again():
                if idle_s is None:
                    return f'end of file {connection.recv(1)}'
                time.sleep(answered + idle_s - time.monotonic())
                connection.sendall(get('/2'))
                return f'{len(read_reply(connection))} octets'

            stage.note(f'{sport}, idle {idle_s} s: {seen(again)}')
            connection.close()
        return work

    # The server's clock starts when it has answered, 10 ms before the client has the answer: a request sent
    # IDLE_S - 2 x 10 ms + x later arrives x after the close.
    together(*[client(41000 + n, IDLE_S - 0.018 + 0.003 * n, 0.15 * n) for n in range(1, 6)],
             *[client(42000 + n, 0.4 * n, 0.1 * n) for n in range(1, 5)],
             *[client(42010 + n, None, 0.2 * n) for n in range(1, 5)])


@capture('keep-alive-race/over-tls', victims=5, stage={'delay_ms': 40},
         expects={'verdict': 'problem', 'cause': 'keep-alive-race', 'culprit': 'server'})
def over_tls(stage):
    """nginx over TLS 1.2 with `keepalive_timeout 1s`; the path takes 40 ms each way. The second requests of 41001-41005
    leave 0.93 to 0.97 s after the answer and cross close_notify and FIN of the server: its kernel answers each by RST
    with the sequence number of close_notify, which the client had not seen either. 42001-42003 ask again after 0.3 to
    0.7 s and are answered.
    """
    tls = importlib.import_module('tls_failure')
    tls.tls_server(stage, keep='1s')
    stage.tap(CLIENT, snap=200)
    together(*[tls.ask_again(stage, 41000 + n, [0.92 + 0.01 * n], 0.12 * n) for n in range(1, 6)],
             *[tls.ask_again(stage, 42000 + n, [0.1 + 0.2 * n], 0.1 * n) for n in range(1, 4)])
