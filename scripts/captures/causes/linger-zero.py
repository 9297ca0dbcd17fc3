"""linger-zero: SO_LINGER with time 0 turns close() into RST although nothing was unread."""

import time

from make import capture
from stage import CLIENT, bystanders, get, http_server, linger_zero, read_head, read_reply, reply, seen


@capture('linger-zero/server-aborts', ending='reset', endedBy='server', victims=6,
         expects={'verdict': 'problem', 'cause': 'linger-zero', 'culprit': 'server'})
def server_aborts(stage):
    """A server that closes with SO_LINGER {1, 0}: on 41001-41006 it sends 1,000 of 4,000 announced octets, all of
    them are acknowledged, and 0.4 s later it aborts. Nothing was unread, no FIN came before, and the RST is of
    the active shape. Port 8080 (42001-42004) is healthy.
    """
    def handle(connection):
        read_head(connection)
        connection.sendall(reply(bytes(1000), length=4000))
        time.sleep(0.4)
        linger_zero(connection)
        connection.close()

    stage.serve(80, handle)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 7):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/report'))
        stage.note(f'4100{n}: {seen(lambda: len(read_reply(connection)))}')
        connection.close()
        if n < 5:
            bystanders(stage, 1, 8080, base=41999 + n)
