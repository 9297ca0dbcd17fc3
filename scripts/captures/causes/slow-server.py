"""client-timeout and server-stalled: the request arrives, the answer does not, or too late."""

import time

from make import capture
from stage import CLIENT, bystanders, get, read_head, read_reply, reply, seen, thread, together


def slow_paths(stage, slow_s):
    def handle(connection):
        while head := read_head(connection):
            if b'/report' in head:
                time.sleep(slow_s)
            # A page of three full segments: long answers do get through, so the path is not what is missing.
            connection.sendall(reply(b'done\n' * 800))
        connection.close()
    stage.serve(80, handle)


def impatient(stage, count, gap_s, timeout_s):
    """Clients 41001 ... that ask for /report and close when nothing comes for a while; as many bystanders."""
    def victim(n):
        def work():
            time.sleep(gap_s * n)
            connection = stage.connect(80, 41000 + n, timeout=timeout_s)
            connection.sendall(get('/report'))
            stage.note(f'4100{n}: {seen(read_reply, connection)}')
            connection.close()
        return work

    together(*[victim(n) for n in range(1, count + 1)], lambda: bystanders(stage, count, gap=0.4))


@capture('client-timeout/one-second', ending='reset-after-fin', endedBy='client', victims=6, stage={'delay_ms': 4},
         expects={'verdict': 'problem', 'cause': 'client-timeout', 'culprit': 'server'})
def one_second(stage):
    """The server takes 1.8 s for /report; six clients (41001-41006) give up 1.0 s after their request and close. The
    kernel has acknowledged the request; the answer comes to a closed socket and gets RST. Requests for
    other paths of the same server (42001-42006) are answered at once.
    """
    slow_paths(stage, 1.8)
    stage.tap(CLIENT, snap=200)

    impatient(stage, 6, gap_s=0.37, timeout_s=1.0)
    time.sleep(2)


@capture('client-timeout/response-stopped', ending='clean', endedBy='client', victims=5,
         expects={'verdict': 'problem', 'cause': 'client-timeout', 'variant': 'response-stopped', 'culprit': 'server'})
def response_stopped(stage):
    """The server announces 9,000 octets, sends 6,000 of them and waits for something that does not come. Five clients
    (41001-41005) give up after 2 s of silence and close, in order. Others (42001-42005) get the whole page.
    """
    def handle(connection):
        head = read_head(connection)
        whole = b'/report' not in head
        connection.sendall(reply(b'page\n' * (1800 if whole else 1200), length=9000))
        connection.recv(1)
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)

    impatient(stage, 5, gap_s=0.31, timeout_s=2.0)


@capture('server-stalled/never-answered', ending='open', victims=6,
         expects={'verdict': 'problem', 'cause': 'server-stalled', 'culprit': 'server'})
def never_answered(stage):
    """Six requests for /report (41001-41006) are acknowledged by the server's kernel and never answered: its
    threads wait for something else. The capture ends 9 s later, with the clients still waiting. Requests for other
    paths (42001-42006) are answered at once, also later, with pages of 4 kB: the path takes full-size segments, so it is
    not a black hole for them that swallows the reports.
    """
    slow_paths(stage, 60)
    stage.tap(CLIENT, snap=200)
    for n in range(1, 7):
        connection = stage.connect(80, 41000 + n, timeout=60)
        connection.sendall(get('/report'))
        time.sleep(0.2)
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.3)
    thread(bystanders, stage, 2, 80, 42010, 3.0)
    time.sleep(9)
