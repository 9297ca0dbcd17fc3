"""tls-failure: the TLS handshake does not get to its end."""

import os
import ssl
import subprocess
import time

from make import capture
from stage import CLIENT, SERVER, get, seen, sh

NGINX = '''
daemon off; worker_processes 1; error_log {dir}/error.log crit; pid {dir}/nginx.pid;
events {{ worker_connections 256; }}
http {{ access_log off; keepalive_timeout {keep}; ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
  server {{ listen 443 ssl; ssl_protocols TLSv1.2; location / {{ return 200 "secret\\n"; }} }}
  server {{ listen 80; location / {{ return 200 "open\\n"; }} }} }}
'''


def tls_server(stage, keep='75s'):
    sh('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '3650', '-subj', '/CN=shop.test',
       '-keyout', f'{stage.dir}/key.pem', '-out', f'{stage.dir}/cert.pem')
    path = os.path.join(stage.dir, 'nginx.conf')
    with open(path, 'w') as file:
        file.write(NGINX.format(dir=stage.dir, keep=keep))
    stage.spawn(SERVER, 'nginx', '-c', path, until=443)
    time.sleep(0.3)


def context(verify=False, only=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if not verify:
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if only:
        made.minimum_version = made.maximum_version = only
    return made


def shake(stage, sport, how, port=443):
    connection = stage.connect(port, sport)

    def work():
        with how.wrap_socket(connection, server_hostname='shop.test', do_handshake_on_connect=False) as tls:
            tls.do_handshake()
            tls.sendall(get('/'))
            return f'{len(tls.recv(1000))} octets over {tls.version()}'

    stage.note(f'{sport}: {seen(work)}')
    connection.close()


def ask_again(stage, sport, idles, start_s=0.0):
    """Requests over one TLS connection, one more after each silence; nobody looks for the server's goodbye before it writes."""
    def work():
        time.sleep(start_s)
        tls = context().wrap_socket(stage.connect(443, sport, timeout=5), server_hostname='shop.test')
        stage.callback(tls.close)
        for idle_s in [*idles, 0]:
            got = seen(lambda: (tls.sendall(get('/', more=f'User-Agent: {"pool" * 12}\r\n')), len(tls.recv(1000)))[1])
            if not got or isinstance(got, str):
                break
            time.sleep(idle_s)
        stage.note(f'{sport}, silences {idles}: {got}')
        tls.close()
    return work


def run(stage, fail, count=5):
    tls_server(stage)
    stage.tap(CLIENT, snap=600)
    for n in range(1, count + 1):
        fail(n)
        if n < count:
            shake(stage, 42000 + n, context())
        time.sleep(0.15)


@capture('tls-failure/unknown-ca', victims=5,
         expects={'verdict': 'problem', 'cause': 'tls-failure'})
def unknown_ca(stage):
    """nginx with a self-signed certificate and TLS 1.2 only. Clients 41001-41005 verify it, do not know its issuer and
    end the handshake with the fatal alert unknown_ca; 42001-42004 do not verify and are served.
    """
    run(stage, lambda n: shake(stage, 41000 + n, context(verify=True)))


@capture('tls-failure/no-shared-version', victims=5,
         expects={'verdict': 'problem', 'cause': 'tls-failure'})
def no_shared_version(stage):
    """The server speaks TLS 1.2 only, clients 41001-41005 TLS 1.3 only: it answers with the fatal alert
    protocol_version and closes. 42001-42004 agree on TLS 1.2.
    """
    run(stage, lambda n: shake(stage, 41000 + n, context(only=ssl.TLSVersion.TLSv1_3)))


@capture('tls-failure/tls-to-plain-port', victims=5,
         expects={'verdict': 'problem', 'cause': 'tls-failure'})
def tls_to_plain_port(stage):
    """Clients 41001-41005 speak TLS to port 80, where nginx speaks plain HTTP: their ClientHello is answered by
    "HTTP/1.1 400 Bad Request" in the clear. 42001-42004 use port 443.
    """
    run(stage, lambda n: shake(stage, 41000 + n, context(), 80))


@capture('tls-failure/closed-after-hello', victims=5,
         expects={'verdict': 'problem', 'cause': 'tls-failure', 'culprit': 'server'})
def closed_after_hello(stage):
    """On port 8443 a proxy without a certificate for the name reads the ClientHello and closes without a word
    (41001-41005). 42001-42004 use port 443.
    """
    def refuse(connection):
        connection.recv(4096)
        time.sleep(0.01)
        connection.close()

    stage.serve(8443, refuse)
    run(stage, lambda n: shake(stage, 41000 + n, context(), 8443))


@capture('tls-failure/plain-to-tls-port', ending='clean', victims=5,
         expects={'verdict': 'inconclusive', 'cause': 'accept-and-close', 'certainty': 'possible'})
def plain_to_tls_port(stage):
    """Clients 41001-41005 speak plain HTTP to a port where `openssl s_server` expects TLS: it closes without a
    word (OpenSSL 3.0 sends no alert for "http request"). 42001-42004 use port 443 of nginx as they should.
    Not one octet of TLS is on the wire at port 8443, so packets cannot name the cause: a server that closes without a
    word is all there is to see, and that much, with no more certainty, is expected.
    """
    def plain(n):
        connection = stage.connect(8443, 41000 + n)
        connection.sendall(get('/'))
        stage.note(f'4100{n}: got {seen(connection.recv, 1000)}')
        connection.close()

    tls_server(stage)
    stage.spawn(SERVER, 'openssl', 's_server', '-4', '-www', '-accept', '8443', '-key', f'{stage.dir}/key.pem', '-cert',
                f'{stage.dir}/cert.pem', until=8443, stdin=subprocess.DEVNULL)
    stage.tap(CLIENT, snap=600)
    for n in range(1, 6):
        plain(n)
        if n < 5:
            shake(stage, 42000 + n, context())
        time.sleep(0.15)
