"""accept-and-close: the server accepts and closes at once, because it has run out of something."""

import os
import time

from make import capture
from stage import CLIENT, SERVER, get, http_server, read_reply, seen, together

NODE = '''
const http = require('node:http')
http.createServer((request, response) => {
  setTimeout(() => response.end('done\\n'), request.url === '/slow' ? 2500 : 5)
}).listen(80, '0.0.0.0')
'''
NGINX = '''
daemon off; worker_processes 1; error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 24; }}
http {{ access_log off; keepalive_timeout 60s;
  server {{ listen 80; location / {{ proxy_pass http://127.0.0.1:9000; }} }} }}
'''


def crowd(stage, holders, later, path):
    """`holders` keep a connection each (42001...), then `later` clients come (41001...), half of them a moment
    slower with their request.
    """
    stage.tap(CLIENT, snap=200)
    kept = []

    def hold(n):
        def work():
            connection = stage.connect(80, 42000 + n, timeout=6)
            kept.append(connection)
            connection.sendall(get(path))
            stage.note(f'{42000 + n}: {seen(lambda: len(read_reply(connection)))}')
        return work

    def come(n):
        def work():
            time.sleep(0.8 + n * 0.05)

            def ask():
                connection = stage.connect(80, 41000 + n, timeout=3)
                if n % 2:
                    time.sleep(0.02)
                try:
                    connection.sendall(get('/'))
                    return len(read_reply(connection)) or 'end of file'
                finally:
                    connection.close()
            stage.note(f'{41000 + n}: {seen(ask)}')
        return work

    together(*[hold(n) for n in range(1, holders + 1)], *[come(n) for n in range(1, later + 1)])
    for connection in kept:
        connection.close()


@capture('accept-and-close/node-emfile',
         expects={'verdict': 'problem', 'cause': 'accept-and-close', 'culprit': 'server'})
def node_emfile(stage):
    """Node 20 with 40 descriptors (ulimit -n 40). Requests that take 2.5 s (42001...) hold what there is; libuv
    then accepts the next connections with its reserve descriptor and closes them at once. Those that the limit
    let in are answered. Victims see the end of file or a reset, whichever their request's timing gives. An
    odd port sends its request 20 ms after the handshake.
    """
    script = os.path.join(stage.dir, 'server.js')
    with open(script, 'w') as file:
        file.write(NODE)
    stage.spawn(SERVER, 'sh', '-c', f'ulimit -n 40; exec node {script}', until=80)
    crowd(stage, 26, 8, '/slow')


@capture('accept-and-close/nginx-worker-connections',
         expects={'verdict': 'problem', 'cause': 'accept-and-close', 'culprit': 'server'})
def nginx_worker_connections(stage):
    """nginx with `worker_connections 24` before an upstream that takes 2.5 s: each request costs two of
    them. Of twelve clients that come first (42001-42012) most are served; those beyond the limit, and eight more
    (41001-41008), are accepted and closed at once ("worker_connections are not enough"). An odd port sends its
    request 20 ms after the handshake.
    """
    http_server(stage, 9000, wait_s=2.5)
    path = os.path.join(stage.dir, 'nginx.conf')
    with open(path, 'w') as file:
        file.write(NGINX.format(dir=stage.dir))
    stage.spawn(SERVER, 'nginx', '-c', path, until=80)
    time.sleep(0.3)
    crowd(stage, 12, 8, '/')
