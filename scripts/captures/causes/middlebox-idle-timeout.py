"""middlebox-idle-timeout: a stateful box on the path forgets a silent connection; both ends still believe in it."""

import os
import random
import time

from make import OUT, capture
from stage import CLIENT, ROUTER, S, SERVER, bystanders, chain, get, http_server, linger_zero, read_reply, seen, together

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', '..')
FORGETS_S = 4
LIVES = (0.5, 1.2, 2.0, 2.8, 3.4)
DIES = (4.6, 5.0, 5.5, 6.2, 7.0)


def box(stage, *rules, nat=None, loose=0):
    """The router follows connections and forgets established ones after 4 s of silence."""
    stage.nft(ROUTER, chain('forward', 'ct state established accept', *rules))
    if nat:
        stage.nft(ROUTER, chain('postrouting', nat, kind='nat', table='ip n'))
    settings = {'nf_conntrack_tcp_timeout_established': FORGETS_S, 'nf_conntrack_tcp_loose': loose,
                'nf_conntrack_tcp_be_liberal': 0}
    stage.sysctl(ROUTER, **{f'net.netfilter.{k}': v for k, v in settings.items()})
    with stage.inside(ROUTER), open('/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established') as file:
        assert int(file.read()) == FORGETS_S


def ladder(stage, timeout=2.5, host=S, tap=None):
    """One connection per silence: those below 4 s on 42001..., those above on 41001... Two more (42011, 42012) are used
    now and then until after the others have died: the server has not restarted.
    """
    def one(sport, idles, start_s):
        def work():
            time.sleep(start_s)
            connection = stage.connect(80, sport, timeout=timeout, host=host)

            def ask():
                connection.sendall(get('/job'))
                return len(read_reply(connection))

            ask()
            for idle_s in idles:
                time.sleep(idle_s)
                stage.note(f'{sport}, silent for {idle_s} s: {seen(ask)}')
            connection.close()
        return work

    http_server(stage)
    if tap:
        tap()
    else:
        stage.tap(CLIENT, snap=160)
        stage.tap(SERVER, snap=160)
    together(*[one(42001 + n, [idle], 0.1 * n) for n, idle in enumerate(LIVES)],
             *[one(41001 + n, [idle], 0.12 * n) for n, idle in enumerate(DIES)],
             *[one(42011 + n, [3.4, 2.5, 3.0], 0.3 * n) for n in range(2)])


@capture('middlebox-idle-timeout/reset', vantage='both', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'reset', 'culprit': 'middlebox'})
def reset(stage):
    """The router follows connections, forgets them after 4 s of silence and answers the next packet with RST
    (nft `ct state invalid reject with tcp reset`, nf_conntrack_tcp_loose 0). Requests after 0.5 to 3.4 s of
    silence live (42001-42005), after 4.6 to 7 s they die (41001-41005). The RST has the router's TTL; the server
    sees nothing of it and keeps its sockets. 42011 and 42012 are used again and again, before and after.
    """
    box(stage, 'ct state invalid reject with tcp reset')
    ladder(stage)


@capture('middlebox-idle-timeout/drop', vantage='both', ending='timed-out', victims=5,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'drop', 'culprit': 'middlebox'})
def drop(stage):
    """As middlebox-idle-timeout/reset, but what the router no longer knows it drops in silence: the clients send
    again and again, and give up after 2.5 s (their FIN is lost too).
    """
    box(stage, 'ct state invalid drop')
    ladder(stage)
    time.sleep(1.5)


@capture('middlebox-idle-timeout/nat-state-lost', vantage='both', ending='reset', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'nat-state-lost',
                  'culprit': 'middlebox'},
         clientAlone={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'culprit': 'middlebox'})
def nat_state_lost(stage):
    """The router translates the client's address (masquerade, random ports) and forgets a connection after 4 s of
    silence. The next request leaves it from another port, the server knows no such connection and answers RST;
    its own socket stays. In the server's capture the same client packet (same sequence numbers) comes from a
    new port. Silences as in middlebox-idle-timeout/reset. From the client's file alone the variant cannot be told: the
    RST is the server's own. That it is no restart of the server show 42011 and 42012, older than the victims and alive
    after them.
    """
    box(stage, nat='ip saddr 10.77.1.0/24 masquerade fully-random', loose=1)
    ladder(stage)


@capture('incident/idle-timeout',
         expects={'verdict': 'problem', 'cause': 'middlebox-idle-timeout', 'variant': 'reset', 'culprit': 'middlebox'},
         stage={'clients': 3})
def incident(stage):
    """A pool of 60 keep-alive connections from three hosts through a box that forgets a connection after 4 s of silence
    (in the incident that this is after: 1,800 s) and answers its next packet with RST. Jobs take a random one and leave
    it silent for 0.3 to 9 s; a connection that died is replaced. Every request after less than 4 s of silence is
    answered, every one after more gets RST. Short one-request connections to port 8080 of the same server are fine.
    """
    box(stage, 'ct state invalid reject with tcp reset')
    http_server(stage)
    http_server(stage, 8080)
    stage.tap(CLIENT, snap=80)
    luck, died, answered = random.Random(4), [], []

    def ask(connection):
        connection.sendall(get('/job'))
        return len(read_reply(connection))

    def pooled(k):
        silences = [luck.choice((0.3, 0.8, 1.5, 2.2, 3.0, 3.5, 4.5, 5.2, 6.5, 9.0)) + luck.uniform(0, 0.3) for _ in range(12)]

        def work():
            time.sleep(0.02 * k)
            until = time.monotonic() + 13
            connection = stage.connect(80, source=f'10.77.1.{2 + k % 3}')
            ask(connection)
            for silence in silences:
                if time.monotonic() + silence > until:
                    break
                time.sleep(silence)
                if isinstance(seen(ask, connection), int):
                    answered.append(silence)
                    continue
                died.append(silence)
                connection.close()
                connection = stage.connect(80, source=f'10.77.1.{2 + k % 3}')
                ask(connection)
            connection.close()
        return work

    together(*[pooled(k) for k in range(60)], lambda: bystanders(stage, 40, 8080, base=42000, gap=0.25))
    stage.note(f'{len(answered)} requests answered, after at most {max(answered):.2f} s of silence; '
               f'{len(died)} reset, after at least {min(died):.2f} s')


@capture('middlebox-idle-timeout/given-up', vantage='client', ending='reset', endedBy='client', victims=3,
         expects={'verdict': 'inconclusive', 'cause': 'middlebox-idle-timeout', 'variant': 'drop', 'culprit': 'middlebox'})
def given_up(stage):
    """A NAT (masquerade, random ports) forgets connections after 4 s of silence and drops what it does not know, in silence. All
    begin together. 42001-42003 ask again after 1, 2.5 and 3.4 s and are answered; 41001-41003 after 5, 5.6 and 6.2 s, hear nothing
    for 2.2 s and give up by RST (SO_LINGER 0); 41004 and 41005 only close, after 5.3 and 5.9 s: their FIN is not answered either.
    Nobody is answered afterwards, so the packets alone do not tell a hop that forgets from a path that was lost. given-up.probe.json
    is what `tcpwhy probe idle http://10.77.2.2/job --max 10s --precision 500ms` found there right afterwards.
    """
    box(stage, 'ct state invalid drop', nat='ip saddr 10.77.1.0/24 masquerade fully-random')
    http_server(stage)
    stage.tap(CLIENT, snap=160, only='tcp and portrange 41001-42003')

    def one(sport, idle_s, again=True):
        def work():
            connection = stage.connect(80, sport, timeout=2.2)

            def ask():
                connection.sendall(get('/job'))
                return len(read_reply(connection))

            ask()
            time.sleep(idle_s)
            if again:
                stage.note(f'{sport}, silent for {idle_s} s: {seen(ask)}')
                linger_zero(connection)
            connection.close()
        return work

    together(*[one(42001 + n, idle) for n, idle in enumerate((1, 2.5, 3.4))],
             *[one(41001 + n, idle) for n, idle in enumerate((5, 5.6, 6.2))],
             *[one(41004 + n, idle, again=False) for n, idle in enumerate((5.3, 5.9))])
    time.sleep(1.5)
    stage.run(CLIENT, 'node', os.path.join(ROOT, 'bin/tcpwhy.js'), 'probe', 'idle', 'http://10.77.2.2/job', '--max', '10s',
              '--precision', '500ms', '--json', '-o', os.path.join(OUT, 'middlebox-idle-timeout/given-up.probe.json'))
