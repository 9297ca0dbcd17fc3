"""connect-filtered: SYNs vanish on the way."""

from make import capture
from stage import CLIENT, ROUTER, SERVER, bystanders, chain, http_server, seen, together


@capture('connect-filtered/silent-drop', vantage='both', ending='unanswered', victims=5,
         expects={'verdict': 'problem', 'cause': 'connect-filtered', 'culprit': 'network'},
         clientAlone={'verdict': 'inconclusive', 'cause': 'connect-filtered', 'certainty': 'possible'})
def silent_drop(stage):
    """The router drops every packet to port 81; a service does listen there. Five clients (41001-41005) give up
    after 3.5 s. Requests to port 80 (42001-42008) are answered. The server's capture has none of these SYNs.
    """
    http_server(stage)
    http_server(stage, 81)
    stage.nft(ROUTER, chain('forward', 'tcp dport 81 drop'))
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)

    def victim(n):
        return lambda: stage.note(f'connect from 4100{n}: {seen(lambda: stage.connect(81, 41000 + n, timeout=3.5))}')

    together(*[victim(n) for n in range(1, 6)], lambda: bystanders(stage, 8, gap=0.45))
