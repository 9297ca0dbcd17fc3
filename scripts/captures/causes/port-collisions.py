"""port-reuse-collision and time-wait-collision: a new connection meets an old one with the same four-tuple."""

import time

from make import capture
from stage import CLIENT, ROUTER, SERVER, bystanders, chain, get, http_server, read_all, read_head, read_reply, reply, seen, vanish


@capture('port-reuse-collision/half-open', ending='clean', endedBy='client', victims=5,
         expects={'verdict': 'benign', 'cause': 'port-reuse-collision', 'culprit': 'client'})
def half_open(stage):
    """The client's host forgets five connections (41001-41005; TCP_REPAIR close, as after a reboot) which the server
    still has, and uses the same ports again 0.3 s later: the server answers the SYN with an ACK of the old
    connection, the client answers that with RST, and the SYN sent again some 10 ms later is accepted (measured on
    6.18; others wait for the 1 s timer). The server's application sees its old connections reset, which
    were dead anyway: benign. 42001-42005 are healthy.
    """
    http_server(stage)
    stage.tap(CLIENT, snap=160)
    for n in range(1, 6):
        connection = stage.connect(80, 41000 + n)
        connection.sendall(get('/'))
        read_reply(connection)
        vanish(connection)
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.3)
        start = time.monotonic()
        connection = stage.connect(80, 41000 + n)
        stage.note(f'4100{n}: the second connect took {time.monotonic() - start:.3f} s')
        connection.sendall(get('/'))
        read_reply(connection)
        connection.close()


def behind_nat(stage, pairs):
    """Two hosts behind one NAT address use the same port soon after each other; the server closes first and so keeps
    TIME-WAIT. @param pairs [(first host, second host, port)]
    """
    stage.nft(ROUTER, chain('postrouting', 'ip saddr 10.77.1.0/24 snat to 10.77.2.1', kind='nat', table='ip n'))
    stage.sysctl(ROUTER, **{f'net.netfilter.nf_conntrack_tcp_timeout_{k}': 1 for k in ('time_wait', 'last_ack', 'close')})

    def once(connection):
        read_head(connection)
        connection.sendall(reply(b'bye\n', more='Connection: close\r\n'))
        connection.close()

    stage.serve(80, once)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=160)
    stage.tap(SERVER, snap=160)

    def use(host, port):
        start = time.monotonic()
        connection = stage.connect(80, port, source=host, timeout=5)
        took = time.monotonic() - start
        connection.sendall(get('/'))
        read_all(connection)
        connection.close()
        return took

    for first, _, port in pairs:
        use(first, port)
    time.sleep(2.2)
    late = 0
    for n, (_, second, port) in enumerate(pairs, 1):
        took = use(second, port)
        late += took > 0.008  # a collision costs a repeated SYN, some 10 ms
        stage.note(f'{second}:{port}: connect took {took:.3f} s')
        if n < 6:
            bystanders(stage, 1, 8080, base=42000 + n)
    if late < 2:
        raise RuntimeError('too few collisions this time; run again')
    stage.note(f'{late} of {len(pairs)} collided')


@capture('time-wait-collision/older-sequence', vantage='both',
         stage={'clients': 3, 'sysctls': {'net.ipv4.tcp_timestamps': 0}},
         expects={'verdict': 'benign', 'cause': 'time-wait-collision', 'culprit': 'client'})
def older_sequence(stage):
    """Behind one NAT address, 10.77.1.3 and 10.77.1.4 use ports (41001-41008) that 10.77.1.2 used 2 s before; no
    timestamps. The server closed first and has them in TIME-WAIT. Where the new initial sequence number is older
    than the old connection's (about half of them, chance), the SYN is answered by an ACK, the client by RST, and
    the SYN sent again some 10 ms later is accepted. Port 8080 (42001-42005) is healthy. Nobody fails:
    benign here; a nuisance where the SYN waits for its timer.
    """
    behind_nat(stage, [('10.77.1.2', f'10.77.1.{3 + n % 2}', 41000 + n) for n in range(1, 9)])


@capture('time-wait-collision/older-timestamp', vantage='both', stage={'clients': 2},
         expects={'verdict': 'benign', 'cause': 'time-wait-collision', 'culprit': 'client'})
def older_timestamp(stage):
    """As time-wait-collision/older-sequence with timestamps (PAWS): 41001-41004 are used by 10.77.1.2 and then
    by 10.77.1.3, 41005-41008 the other way round. Linux gives every tuple its own timestamp offset, so about
    half of the newcomers present an older timestamp than the server's TIME-WAIT has seen (PAWSTimewait).
    """
    behind_nat(stage, [('10.77.1.2', '10.77.1.3', 41000 + n) for n in range(1, 5)]
               + [('10.77.1.3', '10.77.1.2', 41004 + n) for n in range(1, 5)])
