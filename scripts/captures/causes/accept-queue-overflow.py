"""accept-queue-overflow: the listener's queue of finished handshakes is full."""

import os
import random
import signal
import socket
import threading
import time

from make import capture
from stage import SERVER, get, http_server, quiet, read_reply, thread

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
