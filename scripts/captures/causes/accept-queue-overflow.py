"""accept-queue-overflow: the listener's queue of finished handshakes is full."""

import os
import random
import signal
import threading
import time

from make import capture
from stage import CLIENT, SERVER, bystanders, get, http_server, quiet, read_head, read_reply, reply, seen, thread, together

NGINX = '''
daemon off; worker_processes 1; error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 4096; }}
http {{ access_log off; {http}
  server {{ listen 80{backlog}; keepalive_timeout 10s; location / {{ return 200 "in stock: 12\\n"; }} }} }}
'''


def nginx(stage, backlog=' backlog=10', http=''):
    """@returns the worker's pid"""
    path = os.path.join(stage.dir, 'nginx.conf')
    with open(path, 'w') as file:
        file.write(NGINX.format(dir=stage.dir, backlog=backlog, http=http))
    master = stage.spawn(SERVER, 'nginx', '-c', path, until=80)
    time.sleep(0.3)
    with open(f'/proc/{master.pid}/task/{master.pid}/children') as file:
        return int(file.read().split()[0])


@capture('incident/listen-backlog', vantage='server',
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'syn-dropped', 'culprit': 'server'},
         stage={'clients': 6, 'delay_ms': 1})
def listen_backlog(stage):
    """A shop's nginx listens with `backlog=10`. Its one worker is stopped three times for 1.2 to 2.6 s
    (SIGSTOP; think of a blocking disk or a stolen CPU) while six client hosts go on asking, each request
    on a new connection, most with a time-out of 1 s, a few with 4 s. While the worker stands still the
    accept queue (10 + 1) is full within a fraction of a second and every further SYN is dropped in silence:
    those with 1 s give up, those with 4 s get in by a SYN sent again. The 11 that had got into the queue are
    acknowledged by the kernel, get no answer, and their clients time out too (FIN, and a RST for the
    answer that comes too late). Port 8080 on the same host, another program, is healthy all the time.
    """
    worker = nginx(stage)
    http_server(stage, 8080)
    stage.tap(SERVER, snap=80)
    luck, outcomes, running = random.Random(7), {}, []
    lock = threading.Lock()

    def ask(port, source, timeout):
        start, connection = time.monotonic(), None
        try:
            deadline = start + timeout
            connection = stage.connect(port, source=source, timeout=timeout)
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            connection.sendall(get('/item/12'))
            read_reply(connection)
            connection.close()
            result = 'answered' if time.monotonic() - start < 0.9 else 'answered after a repeated SYN'
        except TimeoutError:
            result = f'timed out after {timeout} s'
            if connection:
                connection.close()
        except OSError as error:
            result = str(error)
        with lock:
            outcomes[f'port {port}: {result}'] = outcomes.get(f'port {port}: {result}', 0) + 1

    stops = [(2.0, 1.2), (5.0, 2.6), (9.5, 1.8)]
    begin = time.monotonic()
    for at, length in stops:
        threading.Timer(at, os.kill, (worker, signal.SIGSTOP)).start()
        threading.Timer(at + length, os.kill, (worker, signal.SIGCONT)).start()
    while time.monotonic() - begin < 12.5:
        port = 8080 if luck.random() < 0.16 else 80
        timeout = 4.0 if luck.random() < 0.25 else 1.0
        running.append(thread(ask, port, f'10.77.1.{2 + luck.randrange(6)}', timeout))
        time.sleep(luck.expovariate(34))
    for one in running:
        one.join(6)
    time.sleep(1)
    for key, n in sorted(outcomes.items()):
        stage.note(f'{key}: {n}')


def overflow(stage, sleep_s=3.0, late=6.0, victims=11):
    """A listener with backlog 10 that accepts nothing for sleep_s; six connections wait in its queue when
    eleven more clients connect at the same moment (41101-41111).
    """
    listener = stage.listen(80, 10)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    start = time.monotonic()

    def client(sport, timeout=late):
        def work():
            def ask():
                connection = stage.connect(80, sport, timeout=timeout)
                connection.sendall(get('/item'))
                try:
                    return f'{len(read_reply(connection))} octets'
                finally:
                    connection.close()
            said = seen(ask)
            stage.note(f'{sport}: {said} after {time.monotonic() - start:.1f} s')
        return work

    def server():
        time.sleep(sleep_s)
        listener.settimeout(late)
        while time.monotonic() - start < late + 0.5:
            connection, _ = listener.accept()
            thread(quiet, answer, connection)

    def burst():
        time.sleep(0.3)
        together(*[client(41100 + n) for n in range(1, victims + 1)])

    thread(quiet, server)
    together(*[client(41000 + n) for n in range(1, 7)], burst, lambda: bystanders(stage, 6, 8080, gap=0.5))


def answer(connection):
    while read_head(connection):
        connection.sendall(reply())
    connection.close()


BOTH_ENDS = {'vantage': 'both', 'stage': {'delay_ms': 5}}


@capture('accept-queue-overflow/syn-dropped', victims=9, vantage='both',
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'syn-dropped', 'culprit': 'server'})
def syn_dropped(stage):
    """A listener with backlog 2 accepts nothing for 2.6 s. Three connections fill its queue (41001-41003); nine
    more clients (41101-41109) get no answer to their SYNs, though the server's capture has them all. Those
    who wait (4 s) get in by a repeated SYN, those who give up after 1.5 s (41101-41104) do not. Requests to
    port 8080 (42001-42006) are answered all the time.
    """
    listener = stage.listen(80, 2)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)

    def client(sport, timeout):
        def work():
            def ask():
                connection = stage.connect(80, sport, timeout=timeout)
                connection.sendall(get('/item'))
                try:
                    return f'{len(read_reply(connection))} octets'
                finally:
                    connection.close()
            stage.note(f'{sport}: {seen(ask)}')
        return work

    def server():
        time.sleep(2.6)
        listener.settimeout(4)
        while True:
            connection, _ = listener.accept()
            thread(quiet, answer, connection)

    def late():
        time.sleep(0.2)
        together(*[client(41100 + n, 1.5 if n < 5 else 4) for n in range(1, 10)])

    thread(quiet, server)
    together(*[client(41000 + n, 5) for n in range(1, 4)], late, lambda: bystanders(stage, 6, 8080, gap=0.5))


@capture('accept-queue-overflow/ack-dropped', ending='clean', victims=6, **BOTH_ENDS,
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'ack-dropped', 'culprit': 'server'})
def ack_dropped(stage):
    """Backlog 10. Six connections (41001-41006) wait to be accepted when eleven SYNs arrive together
    (41101-41111): the queue is not full yet, all get a SYN-ACK, but when their ACKs arrive only five fit. The
    others believe to be connected and send their request again and again, the server repeats its SYN-ACK.
    After 3 s the application accepts again and they recover.
    """
    overflow(stage)


@capture('accept-queue-overflow/ack-dropped-late-reset', ending='handshake-reset', endedBy='server', victims=6, vantage='both',
         stage={'delay_ms': 5, 'sysctls': {'net.ipv4.tcp_synack_retries': 1}},
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'ack-dropped', 'culprit': 'server'})
def ack_dropped_late_reset(stage):
    """As ack-dropped, but the application accepts nothing for 7 s and the server repeats a SYN-ACK only once
    (tcp_synack_retries 1): the half-made connections expire after about 3 s, and the next repetition of the
    request meets the bare listener: RST.
    """
    overflow(stage, sleep_s=7.0, late=9.0)


@capture('accept-queue-overflow/reset', ending='handshake-reset', endedBy='server', victims=6, vantage='both',
         stage={'delay_ms': 5, 'sysctls': {'net.ipv4.tcp_abort_on_overflow': 1}},
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'reset', 'culprit': 'server'})
def reset(stage):
    """As ack-dropped, with net.ipv4.tcp_abort_on_overflow = 1: the ACKs that find the queue full are answered by
    RST within a round trip.
    """
    overflow(stage)


@capture('accept-queue-overflow/cookie-ack-dropped', ending='clean', victims=6, vantage='both',
         stage={'delay_ms': 5, 'sysctls': {'net.ipv4.tcp_syncookies': 2}},
         expects={'verdict': 'problem', 'cause': 'accept-queue-overflow', 'variant': 'cookie-ack-dropped', 'culprit': 'server'},
         clientAlone={'verdict': 'inconclusive', 'cause': 'accept-queue-overflow', 'certainty': 'possible'})
def cookie_ack_dropped(stage):
    """As ack-dropped, while SYN cookies are in use (net.ipv4.tcp_syncookies = 2): the server keeps nothing of a
    handshake, so it repeats no SYN-ACK; each repetition of the request proves the cookie again, and is
    dropped again until there is room.
    """
    overflow(stage)
