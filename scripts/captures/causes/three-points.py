"""Captures at three places at once, client, router and server, of the same traffic."""

import importlib
import random

from make import capture
from stage import CLIENT, ROUTER, SERVER, http_once, http_server, together


def taps(stage, router_dev, **more):
    stage.tap(CLIENT, **more)
    stage.tap(ROUTER, dev=router_dev, **more)
    stage.tap(SERVER, **more)


@capture('middlebox-idle-timeout/three-points', vantage='three', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'nat-state-lost',
                  'culprit': 'middlebox'})
def nat(stage):
    """As middlebox-idle-timeout/nat-state-lost: the router translates the client's address and forgets it after 4 s of
    silence. Captured at the client, at the router's leg to the server (after the translation) and at the server.
    """
    idle = importlib.import_module('middlebox_idle_timeout')
    idle.box(stage, nat='ip saddr 10.77.1.0/24 masquerade fully-random', loose=1)
    idle.ladder(stage, tap=lambda: taps(stage, 's0', snap=160))


@capture('packet-loss/three-points', vantage='three', ending='clean', stage={'delay_ms': 4},
         expects={'verdict': 'problem', 'cause': 'packet-loss', 'culprit': 'network'})
def far_leg(stage):
    """Between router and server 8 % of the packets are lost at random, both ways; between client and router none. Twelve
    downloads of 30,000 octets (41001-41012). Captured at the client, at the router's leg to the client and at the
    server: what the server sent and the router's capture lacks was lost on the far leg.
    """
    luck = random.Random(5)
    http_server(stage, body=bytes(30_000))
    stage.relay.rules.append(lambda packet: luck.random() >= 0.08)
    taps(stage, 'c0', snap=96)
    together(*[lambda n=n: http_once(stage, 80, 41000 + n, timeout=20) for n in range(1, 13)])
