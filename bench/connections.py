"""Load for bench/events.ts: connections.py RATE SECONDS RESET_EVERY   connections on loopback, a request and an answer each;
of so many one is closed by the server with the request unread. Prints {"connections", "cpuS"}, cpuS of both ends."""
import json
import os
import resource
import socket
import sys
import time


def serve(server, reset_every):
    n = 0
    while True:
        sock, _ = server.accept()
        n += 1
        if reset_every > 0 and n % reset_every == 0:
            time.sleep(0.0002)  # so that the request is there
            sock.close()
            continue
        sock.recv(4096)
        sock.send(b'answer')
        sock.recv(1)  # the client closes first, as most do
        sock.close()


def main(rate, seconds, reset_every):
    server = socket.socket()
    server.bind(('127.0.0.1', 0))
    server.listen(4096)
    pid = os.fork()
    if pid == 0:
        serve(server, reset_every)
    start = time.monotonic()
    done = 0
    while (now := time.monotonic() - start) < seconds:
        while done < now * rate:
            with socket.socket() as sock:
                sock.connect(server.getsockname())
                try:
                    sock.send(b'request')
                    sock.recv(4096)
                except ConnectionError:
                    pass
            done += 1
        time.sleep(0.001)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({'connections': done, 'cpuS': sum(u.ru_utime + u.ru_stime for u in used)}))


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
