"""One socket of each kind in the network namespace that this is started in, until its input ends; prints JSON first.
The sockets are those of scripts/hosts/record.py; with a number after it, so many established connections beside them."""
import json
import os
import resource
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '../../scripts/hosts'))
import record  # noqa: E402

MANY = record.PORT + 50


def many(count):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    listener = record.listening(socket.AF_INET, '127.0.0.1', MANY, 4096)
    held = [listener]
    for _ in range(count):
        held.append(socket.create_connection(('127.0.0.1', MANY)))
        held.append(listener.accept()[0])
    return held


def blocked(port):
    """A process that waits inside accept()."""
    pid = os.fork()
    if pid == 0:
        record.listening(socket.AF_INET, '127.0.0.1', port, 7).accept()
        os._exit(0)
    return pid


record.network()
ready, tell = os.pipe()
server = os.fork()
if server == 0:
    record.serve(tell)
os.read(ready, 1)
keep = record.clients() + many(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
blocking = blocked(record.PORT + 20)
print(json.dumps({'port': record.PORT, 'many': MANY, 'server': server, 'client': os.getpid(), 'blocking': blocking}), flush=True)
sys.stdin.read()
for pid in (server, blocking):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
