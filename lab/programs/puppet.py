"""A puppet inside a network namespace: it does with sockets what it is told, one JSON line at a time.

Told on standard input:    {"id": 7, "op": "connect", "as": "c1", "host": "10.64.2.2", "port": 80, "timeout": 3}
Answered on standard output: {"id": 7, "value": {"ms": 1.2, "sport": 41001}}   or   {"id": 7, "error": "ECONNREFUSED"}

Every order runs in its own thread, so one that waits does not hold up the others. What Node cannot do is why this is
Python: SO_LINGER, TCP_REPAIR (a close that no packet tells of), receive buffers, backlogs of 0, raw sockets.
"""

import contextlib
import errno
import gc
import json
import os
import re
import resource
import socket
import struct
import sys
import threading
import time

TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ, REPAIR_OFF_NO_PROBE = 19, 20, 21, -1  # linux/tcp.h
NAMES = {
    'rcvbuf': (socket.SOL_SOCKET, socket.SO_RCVBUF),
    'sndbuf': (socket.SOL_SOCKET, socket.SO_SNDBUF),
    'keepalive': (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    'keepidle': (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    'keepintvl': (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
    'keepcnt': (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
    'nodelay': (socket.IPPROTO_TCP, socket.TCP_NODELAY),
    'userTimeoutMs': (socket.IPPROTO_TCP, 18),
}
held, peers, told = {}, {}, threading.Lock()


def say(message):
    with told:
        sys.stdout.write(json.dumps(message) + '\n')
        sys.stdout.flush()


def options_of(made, order):
    for name, value in order.get('options', {}).items():
        made.setsockopt(*NAMES[name], value)


def connect(order):
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    options_of(made, order)
    if order.get('sport') or order.get('source'):
        made.bind((order.get('source', ''), order.get('sport', 0)))
    made.settimeout(order.get('timeout', 3))
    start = time.monotonic()
    try:
        made.connect((order['host'], order['port']))
    except OSError:
        made.close()  # who gives up does not go on sending SYNs
        raise
    held[order['as']] = made
    return {'ms': (time.monotonic() - start) * 1000, 'sport': made.getsockname()[1]}


def exactly(connection, octets):
    """Up to so many octets; fewer at the end of file."""
    got = 0
    while got < octets:
        more = connection.recv(min(65536, octets - got))
        if not more:
            break
        got += len(more)
    return got


def read_head(connection):
    """Up to the empty line of an HTTP message, octet by octet, so that nothing else is read."""
    got = b''
    while not got.endswith(b'\r\n\r\n'):
        more = connection.recv(1)
        if not more:
            break
        got += more
    return got


def length_of(head):
    found = re.search(rb'(?i)content-length: *(\d+)', head)
    return int(found[1]) if found else 0


def read_reply(connection):
    head = read_head(connection)
    if not head:
        raise EOFError
    return len(head) + exactly(connection, length_of(head))


def request_of(order):
    body = bytes(order.get('upload', 0))
    more = f'Content-Length: {len(body)}\r\n' if body else ''
    verb = 'POST' if body else 'GET'
    return f'{verb} {order.get("path", "/")} HTTP/1.1\r\nHost: shop.test\r\n{more}\r\n'.encode() + body


def ask(order):
    """A request and its whole answer on a connection that stands."""
    connection = held[order['on']]
    if 'timeout' in order:
        connection.settimeout(order['timeout'])
    start = time.monotonic()
    connection.sendall(request_of(order))
    octets = read_reply(connection)
    return {'octets': octets, 'ms': (time.monotonic() - start) * 1000}


def once(order):
    """A healthy client: connect, ask, read everything, close."""
    name = f'once-{order["id"]}'
    start = time.monotonic()
    try:
        connect(order | {'as': name})
        octets = ask(order | {'on': name})['octets']
        return {'octets': octets, 'ms': (time.monotonic() - start) * 1000}
    finally:
        drop(name)


def idle(order):
    """How long the other side keeps a connection after its last answer; by one thread, because others may be late."""
    name = f'idle-{order["id"]}'
    try:
        connect(order | {'as': name})
        ask(order | {'on': name})
        start = time.monotonic()
        exactly(held[name], 1)
        return {'ms': (time.monotonic() - start) * 1000}
    finally:
        drop(name)


def drop(name):
    made = held.pop(name, None)
    if made is not None:
        made.close()


def send(order):
    held[order['on']].sendall(order['text'].encode() if 'text' in order else bytes(order['zeros']))


def drip(order):
    """Sends a little again and again, until it fails."""
    while True:
        held[order['on']].sendall(bytes(order.get('zeros', 300)))
        time.sleep(order.get('everyS', 0.12))


def receive(order):
    connection = held[order['on']]
    if 'timeout' in order:
        connection.settimeout(order['timeout'])
    return {'octets': exactly(connection, order.get('octets', 1))}


def head(order):
    return {'octets': len(read_head(held[order['on']]))}


def close(order):
    made = held.pop(order['on'])
    if order.get('how') == 'linger-zero':
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    if order.get('how') == 'vanish':  # no packet, as when a host loses its memory
        made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    made.close()


def set_option(order):
    options_of(held[order['on']], order)


def listen(order):
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if order.get('deferS'):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, order['deferS'])
    options_of(made, order)
    made.bind((order.get('address', ''), order['port']))
    made.listen(order.get('backlog', 128))
    held[order['as']] = made
    return made


def accept(order):
    connection, peer = held[order['on']].accept()
    held[order['as']] = connection
    return {'sport': peer[1]}


def serve(order):
    """Accepts for ever; what each connection gets is in `paths`: a behaviour by prefix of the path."""
    made = listen(order)

    def loop():
        with contextlib.suppress(OSError):
            while True:
                if order.get('acceptDelayS'):
                    time.sleep(order['acceptDelayS'])
                connection, peer = made.accept()
                peers[(order['port'], peer[1])] = connection
                threading.Thread(target=handle, args=(connection, order), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def handle(connection, order):
    with contextlib.suppress(OSError, EOFError):
        if order.get('idleCloseS'):
            connection.settimeout(order['idleCloseS'])
        try:
            answer_all(connection, order)
        except TimeoutError:
            pass
        connection.close()


def answer_all(connection, order):
    answered = 0
    while request := read_head(connection):
        path = request.split(b' ')[1].decode(errors='replace') if request.count(b' ') > 1 else '/'
        paths = order.get('paths', {})
        how = next((paths[prefix] for prefix in sorted(paths, reverse=True) if path.startswith(prefix)), {})
        if not how.get('leaveBody'):
            exactly(connection, length_of(request))
        time.sleep(how.get('waitS', 0))
        answer(connection, how)
        answered += 1
        if how.get('stuck'):
            time.sleep(3600)
        if how.get('lingerZeroS') is not None:
            time.sleep(how['lingerZeroS'])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            return
        if how.get('close') or answered == order.get('requestsMax'):
            time.sleep(how.get('closeAfterS', 0))
            return


def answer(connection, how):
    if how.get('silent'):
        return
    body = bytes(how.get('body', 60))
    claimed = how.get('claims', len(body))
    extra = 'Connection: close\r\n' if how.get('close') else ''
    status = how.get('status', '200 OK')
    head = f'HTTP/1.1 {status}\r\nServer: puppet\r\nContent-Length: {claimed}\r\n{extra}\r\n'.encode()
    if 'chunk' not in how:
        connection.sendall(head + body)
        return
    connection.sendall(head)
    for at in range(0, len(body), how['chunk']):
        connection.sendall(body[at:at + how['chunk']])
        time.sleep(how.get('chunkEveryS', 0.05))


def close_listener(order):
    made = held.pop(order['on'])
    if order.get('shutdown'):  # wakes a thread that waits in accept()
        made.shutdown(socket.SHUT_RDWR)
    made.close()


def vanish_all(order):
    """Every connection of a port disappears without a packet: the host has lost its memory."""
    gone = [key for key in list(peers) if key[0] == order['port']]
    for key in gone:
        made = peers.pop(key)
        with contextlib.suppress(OSError):
            made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            made.shutdown(socket.SHUT_RD)  # no packet; wakes its thread, which else would hold the socket in recv()
            made.close()
    return {'gone': len(gone)}


def numbers(made):
    """(sndNxt, rcvNxt) of a socket, through TCP_REPAIR, which sends nothing."""
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    found = []
    for queue in (2, 1):
        made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        found.append(struct.unpack('I', made.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ, 4))[0])
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_NO_PROBE)
    return found


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, sport, dest, dport, seq, ack, flags, window, data):
    """An IPv4 TCP packet by hand, RFC 791 and RFC 9293."""
    tcp = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, window, 0, 0)
    src, dst = socket.inet_aton(source), socket.inet_aton(dest)
    pseudo = src + dst + struct.pack('!BBH', 0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + struct.pack('!H', checksum(pseudo + tcp + data)) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(tcp) + len(data), 77, 0x4000, 64, 6, 0) + src + dst
    return ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:] + tcp + data


def forge_ahead(order):
    """Sends a segment of a served connection that lies far above what its peer's window allows."""
    made = peers[(order['port'], order['sport'])]
    snd_nxt, rcv_nxt = numbers(made)
    source, dest = made.getsockname(), made.getpeername()
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(segment(source[0], source[1], dest[0], dest[1], snd_nxt + order['by'], rcv_nxt, 0x18, 509,
                           b'far ahead ' * 20), (dest[0], 0))


def collect(order):
    """Holds sockets in a cycle of objects, so that only the garbage collector closes them; `now` runs it."""
    if order.get('now'):
        return {'freed': gc.collect()}
    gc.disable()

    class Forgotten:
        pass

    for name in order['names']:
        one = Forgotten()
        one.socket, one.me = held.pop(name), one
    return {}


def descriptors(order):
    """Lowers this process's limit."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (order['limit'], order['limit']))


ORDERS = {
    'accept': accept, 'ask': ask, 'close': close, 'closeListener': close_listener, 'collect': collect, 'connect': connect,
    'descriptors': descriptors, 'drip': drip, 'forgeAhead': forge_ahead, 'head': head, 'listen': lambda o: listen(o) and {},
    'idle': idle, 'once': once, 'option': set_option, 'receive': receive, 'send': send, 'serve': serve, 'vanishAll': vanish_all,
}


def obey(order):
    try:
        say({'id': order['id'], 'value': ORDERS[order['op']](order) or {}})
    except EOFError:
        say({'id': order['id'], 'error': 'EOF'})
    except TimeoutError:
        say({'id': order['id'], 'error': 'ETIMEDOUT'})
    except OSError as error:
        say({'id': order['id'], 'error': errno.errorcode.get(error.errno, type(error).__name__)})
    except Exception as error:  # noqa: BLE001 (a mistake in an order is told, not lost in a thread)
        say({'id': order['id'], 'bug': f'{type(error).__name__}: {error}'})


def main():
    say({'id': 0, 'value': {'pid': os.getpid()}})
    for line in sys.stdin:
        threading.Thread(target=obey, args=(json.loads(line),), daemon=True).start()
    os._exit(0)  # whoever told it has gone: no goodbye to wait for


main()
