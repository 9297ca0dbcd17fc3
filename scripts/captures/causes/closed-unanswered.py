"""A FIN where the answer was due: handlers that die, a worker that is killed, a proxy whose limit is over, a session that is killed."""

import importlib
import os
import signal
import struct
import sys
import time

from make import capture
from stage import CLIENT, SERVER, bystanders, get, http_server, read_head, read_reply, reply, seen, together

# A master that keeps the listener, and one worker at a time: dies it, the next is there.
PREFORK = '''
import os, socket, sys, threading, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("0.0.0.0", 80)); s.listen(64)
def handle(c):
    while True:
        head = b""
        while not head.endswith(b"\\r\\n\\r\\n"):
            more = c.recv(4096)
            if not more: return c.close()
            head += more
        if b"/slow" in head: time.sleep(60)
        c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\n\\r\\nok\\n")
def work():
    while True:
        c, _ = s.accept()
        threading.Thread(target=handle, args=(c,), daemon=True).start()
while True:
    pid = os.fork()
    if pid == 0: work()
    open(sys.argv[1], "w").write(str(pid))
    os.waitpid(pid, 0)
'''
HAPROXY = '''
defaults
  mode tcp
  timeout connect 1s
  timeout client 30s
  timeout server 2s
listen front
  bind 0.0.0.0:80
  server back 127.0.0.1:9000
'''


@capture('accept-and-close/handler-dies', ending='clean', endedBy='server', victims=6,
         expects={'verdict': 'problem', 'cause': 'accept-and-close', 'variant': 'read-and-closed', 'culprit': 'server'})
def handler_dies(stage):
    """A server whose handler reads the request, works for 60 to 400 ms and ends with its connection closed and not an octet
    of an answer, as after an exception outside of the framework's care. 41001-41006: "empty reply". 42001-42006 are answered.
    """
    def handle(connection):
        while head := read_head(connection):
            if b'/bad' in head:
                time.sleep(int(head.split()[1][4:]) / 1000)
                return connection.close()
            connection.sendall(reply())
        connection.close()
    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)
    for n, wait_ms in enumerate((60, 400, 130, 250, 90, 310), 1):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get(f'/bad{wait_ms}'))
        stage.note(f'{41000 + n} reads: {seen(connection.recv, 10)}')
        connection.close()
        bystanders(stage, 1, base=42000 + n - 1)


@capture('process-killed/one-worker', ending='clean', endedBy='server', victims=8,
         expects={'verdict': 'problem', 'cause': 'process-killed', 'culprit': 'server'})
def one_worker(stage):
    """A worker is killed with SIGKILL; its master, which holds the listener, starts the next at once. 41001-41005 are idle
    after an answer, 41006-41008 wait for the answer to a request that it has read: all get a FIN in the same millisecond. No
    reset, no refusal: new connections (42001-42003) are served.
    """
    told = os.path.join(stage.dir, 'worker')
    stage.spawn(SERVER, sys.executable, '-c', PREFORK, told, until=80)
    stage.tap(CLIENT, snap=160)
    held = {}
    for n in range(1, 9):
        held[n] = connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/' if n <= 5 else '/slow'))
        if n <= 5:
            read_reply(connection)
        time.sleep(0.07)
    time.sleep(0.3)
    with open(told) as file:
        os.kill(int(file.read()), signal.SIGKILL)
    for n, connection in held.items():
        stage.note(f'{41000 + n} reads: {seen(connection.recv, 10)}')
        connection.close()
    time.sleep(0.2)
    bystanders(stage, 3, gap=0.1)


@capture('server-idle-timeout/haproxy-cuts-waiting', ending='clean', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'server-idle-timeout', 'variant': 'while-waiting', 'culprit': 'server'},
         also=['server-stalled'])
def haproxy_cuts_waiting(stage):
    """HAProxy in TCP mode with `timeout server 2s` before a backend that takes 6 s for some requests (41001-41005): 2 s
    after the request the client gets a FIN and not an octet. The others (42001-42004) are answered at once.
    """
    def handle(connection):
        while head := read_head(connection):
            if b'/slow' in head:
                time.sleep(6)
            connection.sendall(reply())
        connection.close()
    stage.serve(9000, handle)
    path = os.path.join(stage.dir, 'haproxy.cfg')
    with open(path, 'w') as file:
        file.write(HAPROXY)
    stage.spawn(SERVER, 'haproxy', '-db', '-f', path, until=80)
    stage.tap(CLIENT, snap=200)

    def ask(n):
        def work():
            time.sleep(0.25 * n)
            connection = stage.connect(80, 41000 + n, timeout=6)
            connection.sendall(get('/slow'))
            stage.note(f'{41000 + n} reads: {seen(connection.recv, 10)}')
            connection.close()
        return work
    together(*[ask(n) for n in range(1, 6)], lambda: bystanders(stage, 4, gap=0.4))


@capture('admin-kill/mariadb-kill', ending='clean', endedBy='server', victims=3,
         expects={'verdict': 'inconclusive', 'cause': 'admin-kill', 'variant': 'statement-cut', 'culprit': 'server',
                  'certainty': 'possible'})
def mariadb_kill(stage):
    """MariaDB; three sessions are in the middle of `SELECT SLEEP(8)` when somebody says KILL, one after the other. MariaDB
    answers with no error: each gets a FIN ("Lost connection to server during query", 2013). Others (42xxx) are served.
    """
    database = importlib.import_module('open_transaction')
    database.mariadb(stage)
    stage.tap(CLIENT, snap=300)

    def login(sport):
        """@returns the session and its id, which the greeting tells after the version's NUL."""
        ids = []

        class Session(database.MySql):
            def read(self):
                packet = super().read()
                if not ids:
                    at = packet.index(0) + 1
                    ids.append(struct.unpack('<I', packet[at:at + 4])[0])
                return packet
        return Session(stage.connect(3306, sport)), ids[0]

    asleep = [login(41000 + n) for n in range(1, 4)]
    for session, _ in asleep:
        session.send(0, b'\x03SELECT SLEEP(8)')
    for n in range(1, 4):
        other, _ = login(42000 + n)
        other.query('SELECT state FROM orders WHERE id=1')
        other.close()
        time.sleep(0.2)
    killer, _ = login(42004)
    for n, (session, ident) in enumerate(asleep, 1):
        killer.query(f'KILL {ident}')
        stage.note(f'{41000 + n} reads: {seen(session.connection.recv, 100)}')
        session.connection.close()
        time.sleep(0.3)
    killer.close()
