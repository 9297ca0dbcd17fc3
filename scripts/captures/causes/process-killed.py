"""process-killed: the server's process dies with its connections."""

import signal
import sys
import time

from make import capture
from stage import CLIENT, SERVER, bystanders, get, http_server, read_reply, seen

SERVER_PROGRAM = '''
import socket, threading, time
def handle(c):
    while True:
        head = b""
        while not head.endswith(b"\\r\\n\\r\\n"):
            more = c.recv(1)
            if not more: return c.close()
            head += more
        if b"/slow" in head: time.sleep(60)
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n")
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 80)); s.listen(64)
while True:
    c, _ = s.accept()
    threading.Thread(target=handle, args=(c,), daemon=True).start()
'''


@capture('process-killed/kill-9', victims=12,
         expects={'verdict': 'problem', 'cause': 'process-killed', 'culprit': 'server'})
def kill_9(stage):
    """A server process is killed with SIGKILL while it has twelve connections. 41001-41004 are idle after an answer,
    41005-41008 wait for the answer to a request that the process has read: all get a FIN. 41009-41012 have sent
    a second request that it has not read: they get RST. All in the same millisecond. After that 41001 and 41002 send
    another request (RST), 41005-41008 close, and new connections (41021-41023) are refused. Port 8080,
    another process, is healthy (42001-42004).
    """
    process = stage.spawn(SERVER, sys.executable, '-c', SERVER_PROGRAM, until=80)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=160)
    held = {}
    for n in range(1, 13):
        held[n] = connection = stage.connect(80, 41000 + n)
        if n <= 4:
            connection.sendall(get('/'))
            read_reply(connection)
        else:
            connection.sendall(get('/slow'))
            if n > 8:
                time.sleep(0.02)
                connection.sendall(get('/next'))
        if n % 4 == 0:
            bystanders(stage, 1, 8080, base=42000 + n // 4 - 1)
        time.sleep(0.07)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    for n, connection in held.items():
        stage.note(f'{41000 + n} reads: {seen(connection.recv, 10)}')
        if n < 3:
            stage.note(f'{41000 + n} sends again: {seen(connection.sendall, get("/again"))}')
        if n > 4:
            connection.close()
    for n in range(21, 24):
        time.sleep(0.15)
        stage.note(f'connect from {41000 + n}: {seen(stage.connect, 80, 41000 + n)}')
    bystanders(stage, 1, 8080, base=42003)


@capture('process-killed/idle-then-refused', ending='reset-after-fin', victims=4,
         expects={'verdict': 'problem', 'cause': 'process-killed', 'variant': 'stopped', 'culprit': 'server'},
         also=['port-closed'])
def idle_then_refused(stage):
    """SIGKILL for a server process whose five connections (41001-41005) had all been answered, 0.4 to 1.6 s before. Their
    FINs come in one moment; the next request of each gets RST, and new connections (41021-41023) are refused.
    """
    process = stage.spawn(SERVER, sys.executable, '-c', SERVER_PROGRAM, until=80)
    stage.tap(CLIENT, snap=160)
    held = []
    for n in range(1, 6):
        held.append(stage.connect(80, 41000 + n))
        held[-1].sendall(get('/'))
        read_reply(held[-1])
        time.sleep(0.3)
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.4)
    for n, connection in enumerate(held, 1):
        stage.note(f'{41000 + n}: {seen(lambda: (connection.sendall(get("/again")), connection.recv(10))[1])}')
        connection.close()
    for n in range(21, 24):
        stage.note(f'connect from {41000 + n}: {seen(stage.connect, 80, 41000 + n)}')
