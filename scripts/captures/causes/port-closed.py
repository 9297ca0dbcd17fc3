"""port-closed: nothing listens there."""

import time

from make import capture
from stage import CLIENT, SERVER, bystanders, http_server, seen


@capture('port-closed/nothing-listens', vantage='both', ending='refused', endedBy='server', victims=5,
         expects={'verdict': 'problem', 'cause': 'port-closed', 'culprit': 'server'})
def nothing_listens(stage):
    """Five clients (41001-41005) connect to port 81 of the server, where nobody listens; four requests
    (42001-42004) to port 80 beside them are answered. Taken at both ends.
    """
    http_server(stage)
    stage.tap(CLIENT, snap=96)
    stage.tap(SERVER, snap=96)
    for n in range(1, 6):
        stage.note(f'connect from 4100{n}: {seen(stage.connect, 81, 41000 + n)}')
        bystanders(stage, 1 if n < 5 else 0, base=41999 + n)
        time.sleep(0.2)


@capture('port-closed/service-stops', ending='refused', endedBy='server', victims=4,
         expects={'verdict': 'problem', 'cause': 'port-closed', 'culprit': 'server'})
def service_stops(stage):
    """Port 80 answers five requests (42001-42005); then its listener is closed with nothing queued, and four
    more connections (41001-41004) are refused. Client side only.
    """
    listener = http_server(stage)
    stage.tap(CLIENT, snap=96)
    bystanders(stage, 5, gap=0.2)
    listener.shutdown(2)
    listener.close()
    time.sleep(0.3)
    for n in range(1, 5):
        stage.note(f'connect from 4100{n}: {seen(stage.connect, 80, 41000 + n)}')
        time.sleep(0.25)
