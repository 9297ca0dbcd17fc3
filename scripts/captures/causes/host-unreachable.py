"""host-unreachable: a router says that it cannot deliver."""

import time

from make import capture
from stage import CLIENT, bystanders, http_server, seen, together


@capture('host-unreachable/no-neighbour', ending='unreachable', victims=4,
         expects={'verdict': 'problem', 'cause': 'host-unreachable', 'culprit': 'network'})
def no_neighbour(stage):
    """10.77.2.99 does not exist: the router's ARP requests fail and it answers with ICMP host unreachable
    after about 3 s, by when the client has sent its SYN again. Four victims (41001-41004); requests to
    10.77.2.2 (42001-42006) are answered.
    """
    http_server(stage)
    stage.tap(CLIENT, snap=128)

    def victim(n):
        return lambda: stage.note(
            f'connect from 4100{n}: {seen(lambda: stage.connect(80, 41000 + n, timeout=6, host="10.77.2.99"))}')

    together(*[victim(n) for n in range(1, 5)], lambda: bystanders(stage, 6, gap=0.5))


@capture('host-unreachable/no-route', ending='unreachable', victims=4,
         expects={'verdict': 'problem', 'cause': 'host-unreachable', 'culprit': 'network'})
def no_route(stage):
    """The router has no route to 10.77.9.9 and answers each SYN at once with ICMP net unreachable.
    Victims 41001-41004; requests to 10.77.2.2 (42001-42004) are answered.
    """
    http_server(stage)
    stage.tap(CLIENT, snap=128)
    for n in range(1, 5):
        stage.note(f'connect from 4100{n}: {seen(lambda: stage.connect(80, 41000 + n, host="10.77.9.9"))}')
        bystanders(stage, 1, base=41999 + n)
        time.sleep(0.2)
