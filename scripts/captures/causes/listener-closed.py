"""listener-closed: the listening socket goes away with connections in its queue."""

import time

from make import capture
from stage import CLIENT, bystanders, get, http_server, seen


@capture('listener-closed/queue-not-empty', ending='reset', endedBy='server', victims=6,
         expects={'verdict': 'problem', 'cause': 'listener-closed', 'culprit': 'server'})
def queue_not_empty(stage):
    """Eight clients (41001-41008) have connected within 1.5 s and, all but two of them, sent their request; the server
    has accepted none of them when its listener is closed (a deploy). Every one gets a RST in the same
    millisecond (41004 and 41008, which had sent nothing, during their handshake as the wire shows it); later SYNs (41011-41013) are refused. Port 8080 (42001-42005) is healthy.
    """
    listener = stage.listen(80, 64)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=160)
    waiting = []
    for n in range(1, 9):
        waiting.append(stage.connect(80, 41000 + n))
        if n % 4:
            waiting[-1].sendall(get('/'))
        if n < 5:
            bystanders(stage, 1, 8080, base=41999 + n)
        time.sleep(0.13)
    listener.close()
    for n, connection in enumerate(waiting, 1):
        stage.note(f'4100{n}: {seen(connection.recv, 1)}')
    for n in range(11, 14):
        time.sleep(0.2)
        stage.note(f'connect from 410{n}: {seen(stage.connect, 80, 41000 + n)}')
    bystanders(stage, 1, 8080, base=42004)
