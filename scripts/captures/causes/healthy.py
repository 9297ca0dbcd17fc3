"""Captures in which nothing is wrong, taken in ways that make beginners see faults."""

import importlib
import time

from make import capture
from stage import CLIENT, ROUTER, SERVER, S, bystanders, get, http_once, http_server, read_all, read_head, read_reply, reply, thread, together

HEALTHY = {'verdict': 'healthy', 'cause': None}


def ask(connection, path='/'):
    connection.sendall(get(path))
    return read_reply(connection)


def keep_alive(stage, sport, times, pause_s, **more):
    def work():
        connection = stage.connect(80, sport, timeout=10, **more)
        for _ in range(times):
            ask(connection)
            time.sleep(pause_s)
        connection.close()
    return work


@capture('healthy/busy', vantage='server', expects=HEALTHY, stage={'offload': True, 'clients': 4})
def busy(stage):
    """nginx: 30 one-shot requests and 10 keep-alive connections of 12 requests each, from four hosts. Segmentation
    offload is on, as on most hosts: segments longer than the MTU.
    """
    importlib.import_module('server_idle_timeout').nginx(stage, '20s')
    http_server(stage, 8080, body=bytes(30_000))
    stage.tap(SERVER, snap=96)
    together(*[keep_alive(stage, 42000 + n, 12, 0.05, source=f'10.77.1.{2 + n % 4}') for n in range(1, 11)],
             lambda: bystanders(stage, 30, base=43000, gap=0.02), lambda: bystanders(stage, 8, 8080, base=44000, gap=0.1))


@capture('healthy/long-poll', expects=HEALTHY)
def long_poll(stage):
    """Long polls that are answered after 3 to 5 s (42001-42005), an event stream with an event every second
    (42011-42012, still open at the end) and two pooled connections that are silent for 6 s and then used (42021-42022).
    """
    def handle(connection):
        while head := read_head(connection):
            if b'/events' in head:
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
                while True:
                    connection.sendall(b'data: tick\n\n')
                    time.sleep(1)
            if b'/poll' in head:
                time.sleep(3 + connection.getpeername()[1] % 5 * 0.5)
            connection.sendall(reply(b'news\n'))
        connection.close()

    stage.serve(80, handle)
    stage.tap(CLIENT, snap=200)

    def poll(n):
        def work():
            connection = stage.connect(80, 42000 + n, timeout=10)
            ask(connection, '/poll')
            connection.close()
        return work

    def silent(n):
        def work():
            connection = stage.connect(80, 42020 + n, timeout=10)
            ask(connection)
            time.sleep(6)
            ask(connection)
            connection.close()
        return work

    for n in (1, 2):
        stream = stage.connect(80, 42010 + n, timeout=20)
        stream.sendall(get('/events'))
        thread(read_all, stream)
    together(*[poll(n) for n in range(1, 6)], *[silent(n) for n in (1, 2)])
    time.sleep(1)


@capture('healthy/any-loopback', vantage='server', expects=HEALTHY)
def any_loopback(stage):
    """A service and its clients on one host, captured with `-i any` (Linux cooked v2), interfaces named. (libpcap
    leaves out the outgoing copies of loopback packets; for packets seen twice see healthy/any-router.)
    """
    http_server(stage, body=bytes(3000))
    stage.tap(SERVER, snap=120, dev='any')
    for n in range(1, 9):
        http_once(stage, 80, 42000 + n, host='127.0.0.1', side=SERVER)
        http_once(stage, 80, 43000 + n, host=S, side=SERVER)
        time.sleep(0.05)


@capture('healthy/any-router', vantage='router', expects=HEALTHY)
def any_router(stage):
    """Captured on the router with `-i any` (Linux cooked v2): every packet is there twice, the second time with a TTL
    one lower.
    """
    http_server(stage, body=bytes(3000))
    stage.tap(ROUTER, snap=120, dev='any')
    together(*[keep_alive(stage, 42000 + n, 4, 0.1) for n in range(1, 9)])


@capture('healthy/one-sided', expects=HEALTHY)
def one_sided(stage):
    """Only the packets from the client are captured (an asymmetric tap). 10 connections, all fine; that the server's side
    was not seen is not a fault of the connections.
    """
    http_server(stage, body=bytes(5000))
    stage.tap(CLIENT, snap=120, only='ip src 10.77.1.2')
    together(*[keep_alive(stage, 42000 + n, 3, 0.2) for n in range(1, 11)])


@capture('healthy/mid-stream', expects=HEALTHY)
def mid_stream(stage):
    """The capture begins while ten keep-alive connections (42001-42010) are in use and ends before five of them do.
    """
    http_server(stage, body=bytes(2000))
    works = [thread(keep_alive(stage, 42000 + n, 12 if n < 6 else 60, 0.15)) for n in range(1, 11)]
    time.sleep(0.8)
    stage.tap(CLIENT, snap=120)
    for one in works[:5]:
        one.join(10)
    time.sleep(0.5)
