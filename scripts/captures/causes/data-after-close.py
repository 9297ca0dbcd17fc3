"""data-after-close: one side keeps sending although the other has closed fully."""

import time

from make import capture
from stage import CLIENT, get, read_head, read_reply, reply, seen


@capture('data-after-close/ignored-connection-close', ending='reset-after-fin', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'data-after-close', 'culprit': 'client'})
def ignored_connection_close(stage):
    """The server says `Connection: close` and closes after its answer. Five clients (41001-41005) ignore both the
    header and the FIN, and send the next request on the same connection between 0.2 and 1.4 s later: RST with
    the sequence number after the FIN. Four others (42001-42004) close as told.
    """
    def handle(connection):
        read_head(connection)
        connection.sendall(reply(b'one answer\n', more='Connection: close\r\n'))
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 6):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/1'))
        read_reply(connection)
        if n < 5:
            other = stage.connect(80, 42000 + n)
            other.sendall(get('/1'))
            read_reply(other)
            other.close()
        time.sleep(0.3 * n - 0.1)

        def again():
            connection.sendall(get('/2'))
            time.sleep(0.05)
            connection.sendall(get('/3'))

        stage.note(f'4100{n}: second request: {seen(again)}')
        connection.close()
