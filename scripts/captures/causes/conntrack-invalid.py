"""conntrack-invalid: a packet that connection tracking calls INVALID passes without its address translated back."""

import socket
import struct
import time

from make import capture
from stage import (CLIENT, REPAIR, ROUTER, SERVER, bystanders, chain, get, http_server, read_head, read_reply, reply,
                   seen, segment)

VIP = '10.77.3.3'
REPAIR_QUEUE, QUEUE_SEQ, OFF_NO_PROBE = 20, 21, -1  # linux/tcp.h


def numbers(connection):
    """@returns (sndNxt, rcvNxt) of a socket, asked through TCP_REPAIR, which sends nothing"""
    connection.setsockopt(socket.IPPROTO_TCP, REPAIR, 1)
    found = []
    for queue in (2, 1):
        connection.setsockopt(socket.IPPROTO_TCP, REPAIR_QUEUE, queue)
        found.append(struct.unpack('I', connection.getsockopt(socket.IPPROTO_TCP, QUEUE_SEQ, 4))[0])
    connection.setsockopt(socket.IPPROTO_TCP, REPAIR, OFF_NO_PROBE)
    return found


@capture('conntrack-invalid/un-dnat', vantage='both', ending='reset', victims=4,
         expects={'verdict': 'problem', 'cause': 'conntrack-invalid', 'culprit': 'middlebox'})
def un_dnat(stage, taps=(CLIENT, SERVER)):
    """As in Kubernetes: clients use the service address 10.77.3.3:80, the router translates it to 10.77.2.2:8080. On
    41001-41004 a segment of the server lies above the window that the router's connection tracking knows (the
    maker forges it on the server, 3,000,000 octets ahead; in the field: reordering and retransmission under
    load). Tracking calls it INVALID and lets it pass untranslated: the client gets data from 10.77.2.2:8080, which
    it does not know, and answers RST there, with exactly the number that the server expects. The server's
    connection dies; the client learns it from the RST to its next request. 42001-42004 are not hit.
    """
    stage.nft(ROUTER, chain('prerouting', f'ip daddr {VIP} tcp dport 80 dnat to 10.77.2.2:8080', kind='nat', table='ip n')
              + chain('forward', 'ct state invalid counter'))
    stage.sysctl(ROUTER, **{'net.netfilter.nf_conntrack_tcp_be_liberal': 0})
    ends = {}

    def handle(connection):
        ends[connection.getpeername()[1]] = connection
        while read_head(connection):
            connection.sendall(reply(b'part 1\n'))
        connection.close()

    stage.serve(8080, handle)
    with stage.inside(SERVER):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    stage.callback(raw.close)
    for at in taps:
        stage.tap(at, snap=200, dev='any' if at == ROUTER else 'eth0')

    def ask(connection):
        connection.sendall(get('/part'))
        return len(read_reply(connection))

    for n in range(1, 5):
        connection = stage.connect(80, 41000 + n, host=VIP)
        ask(connection)
        bystanders(stage, 1, base=41999 + n, host=VIP)
        snd_nxt, rcv_nxt = numbers(ends[41000 + n])
        raw.sendto(segment('10.77.2.2', 8080, '10.77.1.2', 41000 + n, snd_nxt + 3_000_000, rcv_nxt, 0x18, ident=77,
                           window=509, data=b'far ahead ' * 20), ('10.77.1.2', 0))
        time.sleep(0.15)
        stage.note(f'4100{n}: next request: {seen(ask, connection)}')
        connection.close()
