"""server-idle-timeout: the server closes what was silent for a constant time, and the other side is not prepared."""

import importlib
import os
import time

from make import capture
from stage import CLIENT, SERVER, get, read_head, read_reply, seen, together

NGINX = '''
daemon off; worker_processes 1; error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 256; }}
http {{ access_log off; keepalive_timeout {keep}; server {{ listen 80; location / {{ return 200 "ok\\n"; }} }} }}
'''


def nginx(stage, keep):
    path = os.path.join(stage.dir, 'nginx.conf')
    with open(path, 'w') as file:
        file.write(NGINX.format(dir=stage.dir, keep=keep))
    stage.spawn(SERVER, 'nginx', '-c', path, until=80)
    time.sleep(0.3)


def ask(connection, path='/'):
    connection.sendall(get(path))
    return read_reply(connection)


def reuse(stage, sport, idles, start_s=0.0):
    """A request, then one more after each silence. The client does not look for a FIN before it writes."""
    def work():
        time.sleep(start_s)
        connection = stage.connect(80, sport, timeout=8)
        ask(connection)
        for idle_s in idles:
            time.sleep(idle_s)
            got = seen(lambda: len(ask(connection)))
            if got == 0:
                got = f'end of file, then {seen(ask, connection)}'
            stage.note(f'{sport}, idle {idle_s} s: {got}')
            if not isinstance(got, int):
                break
        connection.close()
    return work


@capture('server-idle-timeout/nginx-reused', ending='reset-after-fin', endedBy='server', victims=6,
         expects={'verdict': 'problem', 'cause': 'server-idle-timeout', 'culprit': 'server'},
         also=['data-after-close'])
def nginx_reused(stage):
    """nginx with `keepalive_timeout 3s`. A pool that keeps connections for longer sends its next request after
    3.3 to 5.5 s (41001-41006): nginx's FIN came at 3 s, the request gets RST. Connections used at least every
    2.5 s (42001-42004) live.
    """
    nginx(stage, '3s')
    stage.tap(CLIENT, snap=250)
    together(*[reuse(stage, 41000 + n, [(3.3, 3.6, 4.0, 4.4, 5.0, 5.5)[n - 1]], 0.1 * n) for n in range(1, 7)],
             *[reuse(stage, 42000 + n, [0.5 + 0.4 * n, 2.5], 0.15 * n) for n in range(1, 5)])


@capture('server-idle-timeout/nginx-never-closed', ending='half-closed', endedBy='server', victims=5,
         expects={'verdict': 'inconclusive', 'cause': 'close-wait-leak', 'culprit': 'client'},
         also=['server-idle-timeout'])
def nginx_never_closed(stage):
    """nginx with `keepalive_timeout 2s`. Five pooled client connections (41001-41005) are never looked at again
    after their request: nginx closes at 2 s, the client's kernel acknowledges, its application holds CLOSE-WAIT
    until the capture ends, 7 s later; but nothing is sent in the last 6 s, so that the file, which knows packets only, ends 0.8 s after
    the last FIN: a leak is possible, not shown. 42001-42004 ask once and close themselves.
    """
    nginx(stage, '2s')
    stage.tap(CLIENT, snap=250)
    for n in range(1, 6):
        ask(stage.connect(80, 41000 + n))
        if n < 5:
            other = stage.connect(80, 42000 + n)
            ask(other)
            other.close()
        time.sleep(0.2)
    time.sleep(8)


@capture('healthy/idle-closed-politely', vantage='client', ending='clean', endedBy='server', victims=0,
         expects={'verdict': 'healthy', 'cause': None})
def nginx_polite(stage):
    """nginx with `keepalive_timeout 2s`; six clients wait in poll, see the FIN at 2 s and close at once
    (42001-42006). Nothing is wrong here.
    """
    nginx(stage, '2s')
    stage.tap(CLIENT, snap=250)

    def wait(n):
        def work():
            time.sleep(0.15 * n)
            connection = stage.connect(80, 42000 + n, timeout=5)
            ask(connection)
            connection.recv(1)
            connection.close()
        return work

    together(*[wait(n) for n in range(1, 7)])


@capture('server-idle-timeout/haproxy-aborts', vantage='server', ending='reset', endedBy='client', victims=0,
         expects={'verdict': 'problem', 'cause': 'server-idle-timeout', 'culprit': 'client'}, also=['linger-zero'])
def haproxy_aborts(stage):
    """Between HAProxy (here the client, 10.77.2.1) and MariaDB: HAProxy ends a silent session towards the database after
    2 s by RST (linger 0), always after the same silence. Five pooled sessions die so, four end with COM_QUIT.
    Seen from the database alone it is the client that closes; what closes is a proxy's idle limit.
    """
    database = importlib.import_module('open_transaction')
    database.mariadb(stage)
    database.haproxy(stage, '2s')
    stage.tap(SERVER, snap=512)
    for n in range(1, 6):
        db = database.login(stage, 41000 + n)
        for _ in range(n % 3 + 1):
            db.query('SELECT state FROM orders')
            time.sleep(0.2)
        if n < 5:
            other = database.login(stage, 42000 + n)
            other.query('SELECT state FROM orders')
            other.close()
    time.sleep(2.5)


@capture('server-idle-timeout/mariadb-wait-timeout', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'server-idle-timeout', 'culprit': 'server'}, also=['linger-zero'])
def mariadb_wait_timeout(stage):
    """MariaDB with wait_timeout = 3 s: it ends silent sessions with a RST of the active shape (it sets SO_LINGER 0),
    3 s after their last statement. Five pooled sessions (41001-41005) with different ages die so; 42001-42004
    log out in time.
    """
    database = importlib.import_module('open_transaction')
    database.mariadb(stage, '--wait-timeout=3', '--interactive-timeout=3')
    stage.tap(CLIENT, snap=512)
    pool = []
    for n in range(1, 6):
        db = database.MySql(stage.connect(3306, 41000 + n))
        for _ in range(n % 3):
            db.query('SELECT state FROM orders')
            time.sleep(0.15)
        pool.append(db)
        if n < 5:
            other = database.MySql(stage.connect(3306, 42000 + n))
            other.query('SELECT state FROM orders')
            other.close()
        time.sleep(0.4)
    time.sleep(3.3)
    for n, db in enumerate(pool, 1):
        stage.note(f'4100{n}: next statement: {seen(db.query, "SELECT 1")}')


@capture('server-idle-timeout/over-tls', ending='reset-after-fin', endedBy='server', victims=4,
         expects={'verdict': 'problem', 'cause': 'server-idle-timeout', 'culprit': 'server'},
         also=['data-after-close'])
def over_tls(stage):
    """nginx over TLS 1.2 with `keepalive_timeout 2s`. At the limit it says close_notify and closes (FIN). The pool of
    41001-41004 does not look before its next request, which gets RST after 2.6 to 3.2 s. 42001-42003 ask again in time.
    """
    tls = importlib.import_module('tls_failure')
    tls.tls_server(stage, keep='2s')
    stage.tap(CLIENT, snap=200)
    together(*[tls.ask_again(stage, 41000 + n, [2.4 + 0.2 * n], 0.3 * n) for n in range(1, 5)],
             *[tls.ask_again(stage, 42000 + n, [0.3 + 0.3 * n], 0.2 * n) for n in range(1, 4)])
