"""admin-kill, and a crash, of which the database itself says that it ended the sessions."""

import importlib
import os
import struct
import time

from make import capture
from stage import CLIENT, SERVER, seen


def sessions(stage, count, base=41000):
    database = importlib.import_module('connection_limit')
    open_ = [database.Postgres(stage.connect(5432, base + n)) for n in range(1, count + 1)]
    for session in open_:
        session.query('SELECT 1')
        time.sleep(0.05)
    return open_


@capture('admin-kill/pg-terminate-backend', ending='reset-after-fin', victims=4,
         expects={'verdict': 'problem', 'cause': 'admin-kill', 'variant': 'said-so', 'culprit': 'server'},
         also=['data-after-close'])
def terminated(stage):
    """A session of 42001 calls pg_terminate_backend() for four others (41001-41004), idle for a second. Each is sent
    FATAL 57P01 "terminating connection due to administrator command" and FIN. The applications do not look before
    their next query, which gets RST. 42001 and 42002 live.
    """
    importlib.import_module('connection_limit').postgres(stage)
    stage.tap(CLIENT, snap=300)
    victims = sessions(stage, 4)
    others = sessions(stage, 2, 42000)
    time.sleep(1)
    others[0].query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port BETWEEN 41000 AND 41999')
    time.sleep(0.5)
    for n, session in enumerate(victims, 1):
        stage.note(f'4100{n}: {seen(session.query, "SELECT 2")}')
        session.connection.close()
    for session in others:
        session.close()


@capture('process-killed/pg-backend', ending='reset-after-fin', victims=5,
         expects={'verdict': 'problem', 'cause': 'process-killed', 'culprit': 'server'},
         also=['data-after-close'])
def backend_killed(stage):
    """kill -9 of one PostgreSQL backend (that of 41001, in a query). The postmaster ends all others, because the shared
    memory may be damaged: each is sent WARNING 57P02 "terminating connection because of crash of another server
    process" and FIN (41002-41006). Their next query gets RST.
    """
    importlib.import_module('connection_limit').postgres(stage)
    stage.tap(CLIENT, snap=400)
    victims = sessions(stage, 6)
    time.sleep(0.5)
    query = b'SELECT pg_sleep(9)\0'
    victims[0].connection.sendall(b'Q' + struct.pack('!I', 4 + len(query)) + query)
    time.sleep(0.3)
    os.kill(backend(stage, b'SELECT'), 9)
    time.sleep(1)
    for n, session in enumerate(victims, 1):
        stage.note(f'4100{n}: {seen(session.query, "SELECT 2")[:60]}')
        session.connection.close()


def backend(stage, doing):
    """@returns the pid of the backend in the server's namespace whose title says that it is `doing` that"""
    home = os.stat(f'/run/netns/{stage.names[SERVER]}').st_ino
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as file:
                title = file.read()
            if b'postgres:' in title and doing in title and os.stat(f'/proc/{pid}/ns/net').st_ino == home:
                return int(pid)
        except OSError:
            continue
    raise RuntimeError('no such backend')
