"""PAIRS COUNT: so many pairs of processes hold COUNT connections each on loopback, both ends, until the input ends.
One connection in fifty was shut down by its client (CLOSE-WAIT at the server), one has unread octets."""
import os
import resource
import signal
import socket
import sys
import time

PORT = 5000
EVERY = 50


def main(pairs, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pids = []
    for port in range(PORT, PORT + pairs):
        ready, tell = os.pipe()
        pids.append(child(lambda: server(port, count, tell)))
        os.read(ready, 1)
        pids.append(child(lambda: client(port, count, tell)))
        os.read(ready, 1)
        os.read(ready, 1)
    print('ready', flush=True)
    sys.stdin.read()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def child(run):
    pid = os.fork()
    if pid == 0:
        run()
        os._exit(0)
    return pid


def server(port, count, tell):
    with socket.create_server(('127.0.0.1', port), backlog=4096) as listener:
        os.write(tell, b'1')
        held = [listener.accept()[0] for _ in range(count)]
        os.write(tell, b'1')
        time.sleep(1e6)
        del held


def client(port, count, tell):
    held = []
    for number in range(count):
        sock = socket.create_connection(('127.0.0.1', port))
        held.append(sock)
        if number % EVERY == 0:
            sock.shutdown(socket.SHUT_WR)
        elif number % EVERY == 1:
            sock.send(b'x' * 100)
    os.write(tell, b'1')
    time.sleep(1e6)


if __name__ == '__main__':
    main(int(sys.argv[1]), int(sys.argv[2]))
