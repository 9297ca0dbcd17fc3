"""wrong-host: from some moment on another machine answers at the same address."""

import time

from make import capture
from stage import CLIENT, ROUTER, SYSCTLS, bystanders, get, http_server, read_reply, seen, sh


@capture('wrong-host/route-flips', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'wrong-host', 'culprit': 'network'})
def route_flips(stage):
    """A second host has the server's address 10.77.2.2 too (other default TTL: 128, other receive buffer and so
    another window scale). Five connections (41001-41005) are in use when the router's route flips to it, as when
    a balancer re-hashes or an address moves without its connections: the stranger answers their next requests with
    RST, TTL 127 where it was 63. New connections (before: 42001-42004, after: 42011-42014) work with either host.
    """
    name = stage.names['other'] = stage.names[ROUTER][:-1] + 'o'
    sh('ip', 'netns', 'add', name)
    stage.callback(sh, 'ip', 'netns', 'del', name, check=False)
    stage.sysctl('other', **SYSCTLS)
    stage.sysctl('other', **{'net.ipv4.ip_default_ttl': 128, 'net.ipv4.tcp_rmem': '4096 65536 262144'})
    stage._veth('other', 'x0', '10.77.4', '04')
    stage.run('other', 'ip', 'link', 'set', 'lo', 'up')
    stage.run('other', 'ip', 'addr', 'add', '10.77.2.2/32', 'dev', 'lo')
    http_server(stage)
    http_server(stage, side='other')
    stage.tap(CLIENT, snap=160)

    def ask(connection):
        connection.sendall(get('/'))
        return len(read_reply(connection))

    pool = [stage.connect(80, 41000 + n) for n in range(1, 6)]
    for n in range(4):
        for connection in pool:
            ask(connection)
        bystanders(stage, 1, base=42000 + n, gap=0.2)
    stage.run(ROUTER, 'ip', 'route', 'replace', '10.77.2.2/32', 'via', '10.77.4.2')
    for n, connection in enumerate(pool, 1):
        stage.note(f'4100{n} after the flip: {seen(ask, connection)}')
        time.sleep(0.1)
        if n < 5:
            bystanders(stage, 1, base=42009 + n)
