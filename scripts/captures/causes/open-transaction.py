"""open-transaction and close-wait-leak: a real MariaDB behind a real HAProxy with a short idle limit."""

import os
import struct
import time

from make import capture
from stage import CLIENT, ROUTER, SERVER, sh

HAPROXY = '''
defaults
  mode tcp
  timeout connect 2s
  timeout client {idle}
  timeout server {idle}
listen mysql
  bind 10.77.1.1:3306
  server db 10.77.2.2:3306
'''


class MySql:
    """As much of a MySQL client as the captures need (protocol 4.1, an account without password)."""

    def __init__(self, connection):
        self.connection = connection
        self.first = self.read()
        if self.first[0] == 0xFF:  # an error instead of a greeting
            return
        caps = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000
        self.send(1, struct.pack('<IIB23x', caps, 1 << 24, 33) + b'app\0\0shop\0mysql_native_password\0')
        self.first = self.read()

    def send(self, number, payload):
        self.connection.sendall(struct.pack('<I', len(payload))[:3] + bytes([number]) + payload)

    def read(self):
        head = self.exactly(4)
        return self.exactly(head[0] | head[1] << 8 | head[2] << 16)

    def exactly(self, octets):
        got = b''
        while len(got) < octets:
            more = self.connection.recv(octets - len(got))
            if not more:
                raise ConnectionError('closed by the server')
            got += more
        return got

    def query(self, text):
        self.send(0, b'\x03' + text.encode())
        answer = self.read()
        if answer[0] in (0x00, 0xFF):
            return answer
        ends = 0
        while ends < 2:
            packet = self.read()
            ends += packet[0] == 0xFE and len(packet) < 9
        return answer

    def close(self):
        self.send(0, b'\x01')
        self.connection.close()


def mariadb(stage, *options):
    data = os.path.join(stage.dir, 'db')
    sh('mariadb-install-db', '--user=root', f'--datadir={data}', '--skip-test-db',
       '--auth-root-authentication-method=normal')
    init = os.path.join(stage.dir, 'init.sql')
    with open(init, 'w') as file:
        file.write("CREATE DATABASE shop;\nCREATE TABLE shop.orders (id INT PRIMARY KEY, state VARCHAR(10)) ENGINE=InnoDB;\n"
                   "INSERT INTO shop.orders VALUES (1,'new'),(2,'new'),(3,'new'),(4,'new'),(5,'new'),(6,'new'),(7,'new'),(8,'new');\n"
                   "CREATE USER app@'%' IDENTIFIED VIA mysql_native_password USING '';\nGRANT ALL ON shop.* TO app@'%';\n")
    stage.spawn(SERVER, 'mariadbd', '--no-defaults', '--user=root', f'--datadir={data}', f'--socket={stage.dir}/s',
                f'--init-file={init}', f'--pid-file={stage.dir}/db.pid', '--innodb-buffer-pool-size=16M',
                '--skip-name-resolve', '--port=3306', *options, until=3306)


def haproxy(stage, idle='3s'):
    path = os.path.join(stage.dir, 'haproxy.cfg')
    with open(path, 'w') as file:
        file.write(HAPROXY.format(idle=idle))
    stage.spawn(ROUTER, 'haproxy', '-f', path, until=3306)


def login(stage, sport):
    return MySql(stage.connect(3306, sport, host='10.77.1.1'))


@capture('open-transaction/mariadb-behind-haproxy',
         expects={'verdict': 'problem', 'cause': 'open-transaction', 'culprit': 'client'},
         also=['close-wait-leak', 'server-idle-timeout'], ending='half-closed', endedBy='server', victims=6)
def behind_haproxy(stage):
    """An application on the client host uses a MariaDB through HAProxy, which closes idle connections after
    3 s (both sides). Six requests (client ports 41001-41006) begin a transaction, read or change a row and
    return early: no COMMIT, no ROLLBACK, no close. Three of them say BEGIN, two START TRANSACTION, one SET
    autocommit=0 (there the flag SERVER_STATUS_IN_TRANS appears only with the first table access). After 3 s
    HAProxy closes; the kernel acknowledges the FIN; the application never does: CLOSE-WAIT until the end of
    the capture. The same application does it right on 42001-42005 (COMMIT or ROLLBACK, COM_QUIT, close).
    The capture is taken on the application's host; towards the database HAProxy aborts (linger 0).
    """
    mariadb(stage)
    haproxy(stage)
    stage.tap(CLIENT, snap=512)
    leaked = []

    def right(n, end='COMMIT'):
        db = login(stage, 42000 + n)
        db.query('BEGIN')
        db.query('SELECT state FROM orders WHERE id=8')
        db.query(end)
        db.close()

    def wrong(n, begin, *queries):
        db = login(stage, 41000 + n)
        for text in (begin, *queries):
            db.query(text)
        leaked.append(db)

    right(1)
    wrong(1, 'BEGIN', "UPDATE orders SET state='paid' WHERE id=1")
    wrong(2, 'START TRANSACTION', 'SELECT state FROM orders WHERE id=2 FOR UPDATE')
    right(2)
    time.sleep(0.6)
    wrong(3, 'BEGIN', 'SELECT state FROM orders WHERE id=3')
    wrong(4, 'SET autocommit=0', 'SELECT state FROM orders')
    right(3, 'ROLLBACK')
    time.sleep(0.9)
    wrong(5, 'START TRANSACTION', "UPDATE orders SET state='sent' WHERE id=5", 'SELECT state FROM orders WHERE id=5')
    wrong(6, 'BEGIN')
    right(4)
    time.sleep(4)
    right(5)
    time.sleep(6)
    stage.note(f'{len(leaked)} connections are still open descriptors of the application, none was told to it.')


@capture('close-wait-leak/idle-pool',
         expects={'verdict': 'problem', 'cause': 'close-wait-leak', 'culprit': 'client'},
         also=['server-idle-timeout'], ending='half-closed', endedBy='server', victims=5)
def idle_pool(stage):
    """As open-transaction/mariadb-behind-haproxy, but nothing is open in the database: five pooled connections
    (client ports 41001-41005) ran autocommitted statements, went idle, and HAProxy closed them after 3 s.
    The pool never looks at them again, so they stay in CLOSE-WAIT. Four requests on 42001-42004 log in, ask,
    and log out.
    """
    mariadb(stage)
    haproxy(stage)
    stage.tap(CLIENT, snap=512)
    for n in range(1, 6):
        db = login(stage, 41000 + n)
        db.query(f"UPDATE orders SET state='seen' WHERE id={n}")
        db.query('SELECT state FROM orders')
        time.sleep(0.3)
    for n in range(1, 5):
        db = login(stage, 42000 + n)
        db.query('SELECT state FROM orders')
        db.close()
        time.sleep(2)
    time.sleep(4)
