"""`tcpwhy diagnose` against real servers that are at a limit of their own configuration: HAProxy (maxconn), nginx
(worker_connections), PostgreSQL (max_connections, sessions idle in a transaction); each must be named with its process and setting,
and nothing else may be blamed. HAProxy's health checks, a burst that is over and a busy nginx must not be problems; a server that
resets its clients must be one. In a network namespace of its own, as root there: .ci/live.sh starts it."""
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = f'10.223.{os.getpid() // 250 % 250}.{os.getpid() % 250 + 1}'
ROOT = pathlib.Path(__file__).parent.parent.parent
WORK = pathlib.Path(tempfile.mkdtemp(prefix='tcpwhy-live-servers-'))
AS_POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', '--']
STARTED = []


def run(*argv, **more):
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **more)
    STARTED.append(child)
    return child


def stop_all():
    while STARTED:
        child = STARTED.pop()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def python(code, *argv):
    """A program of its own, so that its pid is that of nobody else."""
    return run(sys.executable, '-c', f'import socket, struct, sys, time\nHERE = {HERE!r}\n{code}', *argv)


def reachable(port, seconds=20):
    until = time.time() + seconds
    while time.time() < until:
        try:
            socket.create_connection((HERE, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f'nothing listens at port {port}')


CLIENTS = """
port, count, pause, request = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4].encode()
held = []
while True:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex((HERE, port))
    time.sleep(pause)
    if request:
        try:
            client.sendall(request)
        except OSError:
            pass
    held = held[:count] + held[count:][-20:] + [client]
"""
SLOW = """
import threading
def serve(client):
    if client.recv(1000):
        time.sleep(60)
    client.close()
server = socket.create_server((HERE, int(sys.argv[1])), backlog=500)
while True:
    threading.Thread(target=serve, args=[server.accept()[0]], daemon=True).start()
"""
CLOSES = """
server = socket.create_server((HERE, int(sys.argv[1])), backlog=500)
while True:
    server.accept()[0].close()
"""
GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'


def clients(port, count, pause=0.05, request=''):
    return python(CLIENTS, str(port), str(count), str(pause), request)


def diagnose(seconds=3):
    own = f'/proc/{os.getpid()}/ns/net'
    argv = ['node', str(ROOT / 'bin/tcpwhy.js'), 'diagnose', '--json', '--no-packets', '--for', f'{seconds}s', '--netns', own]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode != 2, done.stderr
    return json.loads(done.stdout), done.returncode


def told(report):
    keys = ('cause', 'certainty', 'severity', 'title')
    return '\n'.join(str([f.get(k) for k in keys] + [f['culprit']]) for f in report['findings'])


def leads(report, cause, setting, command):
    first = report['findings'][0] if report['findings'] else {'cause': None, 'culprit': {}}
    culprit = first['culprit']
    who = culprit.get('process', {}).get('command')
    assert (first['cause'], culprit.get('setting'), who) == (cause, setting, command), told(report)
    return first


def problems(report):
    return {f['cause'] for f in report['findings'] if f['severity'] == 'problem'}


def haproxy(maxconn):
    config = WORK / 'haproxy.cfg'
    config.write_text(f"""global
  maxconn {maxconn}
defaults
  mode http
  timeout client 1m
  timeout connect 2s
  timeout server 1m
frontend web
  bind {HERE}:8080
  default_backend app
backend app
  server one {HERE}:9001 check inter 500
""")
    python(CLOSES, '9001')
    reachable(9001)
    return run('haproxy', '-db', '-f', str(config))


def haproxy_at_maxconn():
    haproxy(15)
    reachable(8080)
    clients(8080, 60)
    time.sleep(5)
    report, code = diagnose()
    leads(report, 'connection-limit', 'global: maxconn', 'haproxy')
    queue = [f for f in report['findings'] if f['cause'] == 'accept-queue-overflow']
    assert [f.get('consequenceOf') for f in queue] == ['connection-limit'], told(report)
    assert code == 1


def haproxy_checks():
    haproxy(2000)
    reachable(8080)
    report, code = diagnose()
    checks = [f['certainty'] for f in report['findings'] if f['cause'] == 'health-check']
    assert code == 0 and checks == ['confirmed'] and not problems(report), told(report)
    assert not any(f['cause'] == 'linger-zero' for f in report['findings']), told(report)


def nginx(connections, location):
    config = WORK / 'nginx.conf'
    config.write_text(f"""worker_processes 1; daemon off; pid {WORK}/nginx.pid; error_log {WORK}/nginx.log;
events {{ worker_connections {connections}; }}
http {{ access_log off; server {{ listen {HERE}:8081 backlog=511; location / {{ {location} }} }} }}
""")
    child = run('nginx', '-c', str(config))
    reachable(8081)
    return child


def nginx_without_connections():
    python(SLOW, '9002')
    reachable(9002)
    nginx(40, f'proxy_pass http://{HERE}:9002;')
    clients(8081, 60, request=GET)
    time.sleep(6)
    report, code = diagnose()
    leads(report, 'connection-limit', 'worker_connections', 'nginx')
    others = [f for f in report['findings'][1:] if f['severity'] == 'problem' and f['culprit']['side'] != 'client']
    assert all(f.get('consequenceOf') == 'connection-limit' for f in others), told(report)
    assert code == 1 and 'worker_connections are not enough' in (WORK / 'nginx.log').read_text()


def nginx_is_busy():
    nginx(1024, 'return 200 "ok";')
    load = """
while True:
    client = socket.create_connection((HERE, 8081))
    client.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')
    while client.recv(65536):
        pass
    client.close()
    time.sleep(0.01)
"""
    for _ in range(4):
        python(load)
    time.sleep(2)
    report, code = diagnose()
    assert code == 0 and not problems(report), told(report)


def postgresql():
    version = sorted(os.listdir('/usr/lib/postgresql'))[-1]
    programs = pathlib.Path('/usr/lib/postgresql') / version / 'bin'
    data = WORK / 'data'
    data.mkdir()
    shutil.chown(data, 'postgres')
    WORK.chmod(0o755)
    subprocess.run([*AS_POSTGRES, programs / 'initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '-N'], check=True, stdout=subprocess.DEVNULL)
    with open(data / 'postgresql.conf', 'a') as config:
        config.write(f"max_connections = 12\nlisten_addresses = '{HERE}'\nunix_socket_directories = '{data}'\nfsync = off\n")
    with open(data / 'pg_hba.conf', 'a') as config:
        config.write('host all all 10.223.0.0/16 trust\n')
    child = run(*AS_POSTGRES, programs / 'postgres', '-D', data)
    reachable(5432, 60)
    time.sleep(2)
    return child


def session():
    client = socket.create_connection((HERE, 5432))
    words = b'user\0postgres\0database\0postgres\0\0'
    client.sendall(struct.pack('!ii', len(words) + 8, 196_608) + words)
    client.settimeout(10)
    answer = client.recv(65_536)
    while not answer.endswith(b'I') and answer[:1] != b'E':
        answer += client.recv(65_536)
    return client


def begin(client):
    statement = b'BEGIN\0'
    client.sendall(b'Q' + struct.pack('!i', len(statement) + 4) + statement)
    client.recv(100)


def postgresql_is_full_and_idle_in_transaction():
    postgresql()
    held = [session() for _ in range(9)]
    for client in held[:3]:
        begin(client)
    time.sleep(11)
    report, code = diagnose()
    leads(report, 'connection-limit', 'max_connections', 'postgres')
    opened = [f for f in report['findings'] if f['cause'] == 'open-transaction']
    assert [(f['certainty'], f['affected']['connections']) for f in opened] == [('confirmed', 3)], told(report)
    assert code == 1
    for client in held:
        client.close()
    time.sleep(1)
    report, code = diagnose()
    assert not problems(report), told(report)


def server_resets():
    server = """
server = socket.create_server((HERE, 8082))
while True:
    client, _ = server.accept()
    client.recv(1000)
    client.sendall(b'some')
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
"""
    child = python(server)
    reachable(8082)
    clients(8082, 20, 0.2, GET)
    report, code = diagnose()
    first = leads(report, 'linger-zero', None, 'python3')
    assert first['culprit']['process']['pid'] == child.pid and first['severity'] == 'problem' and code == 1, told(report)


def burst_is_over():
    server = """
server = socket.create_server((HERE, 8083), backlog=8)
time.sleep(3)
while True:
    server.accept()[0].close()
"""
    python(server)
    time.sleep(0.5)
    burst = clients(8083, 30, 0.02)
    time.sleep(1.5)
    os.killpg(burst.pid, signal.SIGKILL)
    time.sleep(4)
    report, code = diagnose()
    queue = [f for f in report['findings'] if f['cause'] == 'accept-queue-overflow']
    assert [(f.get('variant'), f['severity']) for f in queue] == [('past', 'notice')], told(report)
    assert code == 0


SCENES = [
    haproxy_at_maxconn,
    haproxy_checks,
    nginx_without_connections,
    nginx_is_busy,
    postgresql_is_full_and_idle_in_transaction,
    server_resets,
    burst_is_over,
]


def main():
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    subprocess.run(['ip', 'address', 'add', f'{HERE}/32', 'dev', 'lo'], check=True)
    only = sys.argv[1:]
    try:
        for scene in SCENES:
            if only and scene.__name__ not in only:
                continue
            try:
                scene()
            except AssertionError as wrong:
                raise SystemExit(f'{scene.__name__}: {wrong}')
            finally:
                stop_all()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    print(f'servers: {len(SCENES)} scenes told as they are')


if __name__ == '__main__':
    main()
