"""peer-restarted: a host has lost its memory of connections; the other side finds out when it sends."""

import time

from make import capture
from stage import CLIENT, bystanders, get, http_server, read_head, read_reply, reply, seen, vanish


def lose_state(stage, back):
    ends = []

    def handle(connection):
        ends.append(connection)
        read_head(connection)
        connection.sendall(reply(b'ok\n'))

    listener = stage.serve(80, handle)
    stage.tap(CLIENT, snap=160)
    pool = []
    for n in range(1, 7):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/'))
        read_reply(connection)
        pool.append(connection)
        time.sleep(0.2)
    for connection in ends:
        vanish(connection)
    listener.shutdown(2)
    listener.close()
    time.sleep(0.8)
    if back:
        http_server(stage)
        bystanders(stage, 3, base=42000, gap=0.1)

    def again(connection):
        connection.sendall(get('/again'))
        return len(read_reply(connection))

    for n, connection in enumerate(pool, 1):
        time.sleep(0.15)
        stage.note(f'4100{n} after the loss: {seen(again, connection)}')
        connection.close()
    if back:
        bystanders(stage, 3, base=42003, gap=0.1)


@capture('peer-restarted/listening-again', ending='reset', endedBy='server', victims=6,
         expects={'verdict': 'problem', 'cause': 'peer-restarted'})
def listening_again(stage):
    """Six idle keep-alive connections (41001-41006); then the server's host loses all state without a packet
    (TCP_REPAIR close, as after a crash of the machine) and its service listens again. Every old
    connection dies at its next request by RST with the server's own TTL; new ones (42001-42006) work.
    """
    lose_state(stage, True)


@capture('peer-restarted/not-back-yet', ending='reset', endedBy='server', victims=6,
         expects={'verdict': 'inconclusive', 'cause': 'peer-restarted'})
def not_back_yet(stage):
    """As peer-restarted/listening-again, but the service is not up yet: nothing listens when the old connections
    speak (reason NO_SOCKET instead of TCP_FLAGS).
    """
    lose_state(stage, False)
