"""A service that is ill in two ways, in the network namespace that it is started in: it accepts nobody at one port, whose
queue is full, and at another it never closes what its clients have closed. Prints "ready" and waits for its standard
input to end.

Its environment, its arguments and what its connections carry hold SECRET, which nobody may find in a bundle.
"""
import os
import socket
import subprocess
import sys
import threading
import time

SECRET = "hunter2-hunter2"
FULL = 8071
LEAK = 8072
BACKLOG = 4
LEAKED = 40


def serve() -> None:
    full = socket.create_server(("127.0.0.1", FULL), backlog=BACKLOG)
    leak = socket.create_server(("127.0.0.1", LEAK), backlog=128)
    print("listening", flush=True)
    held = []
    for _ in range(LEAKED):
        connection, _ = leak.accept()
        held.append(connection)
    print("held", flush=True)
    sys.stdin.read()
    full.close()


def hammer(stop: threading.Event) -> None:
    """Connects that nobody accepts, some at any time."""
    waiting = []
    while not stop.is_set():
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(("127.0.0.1", FULL))
        waiting.append(client)
        if len(waiting) > 30:
            waiting.pop(0).close()
        time.sleep(0.02)
    for client in waiting:
        client.close()


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve()
        return
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", f"--password={SECRET}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "DATABASE_PASSWORD": SECRET},
        text=True,
    )
    assert server.stdout is not None and server.stdin is not None
    assert server.stdout.readline() == "listening\n"
    for _ in range(LEAKED):
        client = socket.create_connection(("127.0.0.1", LEAK))
        client.sendall(f"GET /?token={SECRET} HTTP/1.1\r\n\r\n".encode())
        client.close()
    assert server.stdout.readline() == "held\n"
    stop = threading.Event()
    hammering = threading.Thread(target=hammer, args=(stop,))
    hammering.start()
    try:
        print(f"ready {server.pid}", flush=True)
        sys.stdin.read()
    finally:
        stop.set()
        hammering.join()
        server.stdin.close()
        server.wait()


if __name__ == "__main__":
    main()
