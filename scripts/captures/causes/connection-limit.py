"""connection-limit, and open-transaction with PostgreSQL: real databases that say why they refuse or end a session."""

import glob
import importlib
import os
import shutil
import struct
import time

from make import capture
from stage import CLIENT, SERVER, seen, sh

POSTGRES = max(glob.glob('/usr/lib/postgresql/*/bin'), default='')  # where Debian has them


class Postgres:
    """As much of the PostgreSQL protocol (3.0, trust) as the captures need. `said`: types of the messages read."""

    def __init__(self, connection):
        self.connection = connection
        body = struct.pack('!I', 196608) + b'user\0postgres\0database\0postgres\0\0'
        connection.sendall(struct.pack('!I', len(body) + 4) + body)
        self.said = self.read()

    def read(self):
        said = ''
        while not said.endswith('Z') and 'E' not in said:
            head = self.exactly(5)
            body = self.exactly(struct.unpack('!I', head[1:])[0] - 4)
            said += head[:1].decode()
            if said[-1] == 'E':
                return 'E ' + body.replace(b'\0', b' ').decode()
        return said

    def exactly(self, octets):
        got = b''
        while len(got) < octets:
            more = self.connection.recv(octets - len(got))
            if not more:
                raise ConnectionError('closed')
            got += more
        return got

    def query(self, text):
        body = text.encode() + b'\0'
        self.connection.sendall(b'Q' + struct.pack('!I', len(body) + 4) + body)
        return self.read()

    def close(self):
        self.connection.sendall(b'X\0\0\0\x04')
        self.connection.close()


def postgres(stage, *settings):
    os.chmod(stage.dir, 0o711)
    data = os.path.join(stage.dir, 'pg')
    os.mkdir(data, 0o700)
    shutil.chown(data, 'postgres', 'postgres')
    drop = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups']
    sh(*drop, f'{POSTGRES}/initdb', '-D', data, '-A', 'trust', '--no-sync')
    with open(f'{data}/pg_hba.conf', 'a') as file:
        file.write('host all all 0.0.0.0/0 trust\n')
    options = ['listen_addresses=0.0.0.0', f'unix_socket_directories={data}', 'fsync=off', *settings]
    stage.spawn(SERVER, *drop, f'{POSTGRES}/postgres', '-D', data, *sum((['-c', o] for o in options), []), until=5432)
    time.sleep(0.5)


@capture('connection-limit/mariadb-1040', victims=5,
         expects={'verdict': 'problem', 'cause': 'connection-limit', 'culprit': 'server'})
def mariadb_1040(stage):
    """MariaDB with max_connections = 10: ten sessions are held (42001-42010), five more (41001-41005) are told
    1040 "Too many connections" and closed: two of them after their login (MariaDB keeps one connection more, for
    an administrator, and must first know who asks), three instead of a greeting, since 42021, which does not
    log in, has taken that one too. After two have left, 42011 gets in again.
    """
    database = importlib.import_module('open_transaction')
    database.mariadb(stage, '--max-connections=10')
    stage.tap(CLIENT, snap=300)
    held = [database.MySql(stage.connect(3306, 42000 + n)) for n in range(1, 11)]
    for db in held:
        db.query('SELECT state FROM orders WHERE id=1')
    for n in range(1, 6):
        if n == 3:
            stage.connect(3306, 42021).recv(200)
        refused = database.MySql(stage.connect(3306, 41000 + n))
        stage.note(f'4100{n}: {refused.first[3:].decode()}')
        refused.connection.recv(1)
        refused.connection.close()
        time.sleep(0.2)
    for db in held[:2]:
        db.close()
    time.sleep(0.3)
    held.append(database.MySql(stage.connect(3306, 42011)))
    for db in held[2:]:
        db.close()


@capture('connection-limit/postgres-53300', victims=5,
         expects={'verdict': 'problem', 'cause': 'connection-limit', 'culprit': 'server'})
def postgres_53300(stage):
    """PostgreSQL with max_connections = 8 : sessions 42001-42008 are held, five more (41001-41005) get the
    error 53300 after their start-up packet, and a FIN.
    """
    postgres(stage, 'max_connections=8', 'superuser_reserved_connections=0', 'max_wal_senders=0')
    stage.tap(CLIENT, snap=400)
    held = [Postgres(stage.connect(5432, 42000 + n)) for n in range(1, 9)]
    for n, db in enumerate(held):
        db.query(f'SELECT {n}')
    for n in range(1, 6):
        refused = Postgres(stage.connect(5432, 41000 + n))
        stage.note(f'4100{n}: {refused.said}')
        refused.connection.recv(1)
        refused.connection.close()
        time.sleep(0.15)
    for db in held:
        db.close()


@capture('open-transaction/postgres-idle-in-transaction', ending='half-closed', endedBy='server', victims=4,
         expects={'verdict': 'problem', 'cause': 'open-transaction', 'culprit': 'client'}, also=['close-wait-leak'])
def postgres_idle(stage):
    """PostgreSQL with idle_in_transaction_session_timeout = 2 s. Sessions 41001-41004 begin, change a row and never end:
    after 2 s the server sends FATAL 25P03 and FIN, which nobody reads. ReadyForQuery says `T` (in a transaction)
    where 42001-42004, which commit and leave, end with `I`.
    """
    postgres(stage, 'idle_in_transaction_session_timeout=2s')
    stage.tap(CLIENT, snap=400)
    first = Postgres(stage.connect(5432, 42001))
    first.query('CREATE TABLE orders (id INT PRIMARY KEY, state TEXT)')
    first.query("INSERT INTO orders SELECT n, 'new' FROM generate_series(1,8) n")
    first.close()
    for n in range(1, 5):
        db = Postgres(stage.connect(5432, 41000 + n))
        db.query('BEGIN')
        db.query(f"UPDATE orders SET state='paid' WHERE id={n}")
        if n < 4:
            right = Postgres(stage.connect(5432, 42001 + n))
            right.query('BEGIN')
            right.query(f"UPDATE orders SET state='sent' WHERE id={4 + n}")
            right.query('COMMIT')
            right.close()
        time.sleep(0.4)
    time.sleep(8)


@capture('connection-limit/redis-maxclients', victims=5,
         expects={'verdict': 'problem', 'cause': 'connection-limit', 'variant': 'in-words', 'culprit': 'server'})
def redis_maxclients(stage):
    """Redis with `maxclients 3`, held by 42001-42003. The others (41001-41006) are sent "-ERR max number of clients
    reached" and FIN; their own first command comes just after it, and gets RST.
    """
    stage.spawn(SERVER, 'redis-server', '--port', '6379', '--maxclients', '3', '--save', '', '--protected-mode', 'no',
                '--dir', stage.dir, until=6379)
    stage.tap(CLIENT, snap=200)
    ping = b'*1\r\n$4\r\nPING\r\n'
    for n in range(1, 4):
        held = stage.connect(6379, 42000 + n)
        held.sendall(ping)
        held.recv(100)
    for n in range(1, 7):
        refused = stage.connect(6379, 41000 + n)
        time.sleep(0.01)
        stage.note(f'{41000 + n}: {seen(lambda: (refused.sendall(ping), refused.recv(100))[1])}')
        refused.close()
        time.sleep(0.1)
