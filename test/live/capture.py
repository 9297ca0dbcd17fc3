"""tcpwhy capture, for real: into named network namespaces and those of processes, whatever ends it. Wireshark's tshark must read
what was written. In a network and a mount namespace of its own, as root: .ci/live.sh starts it."""
import json
import os
import shutil
import socket
import subprocess
import sys

HEADERS = ['node_modules/.bin/tsx', 'test/live/capture-headers.ts']
NETNS = f'tcpwhy-live-{os.getpid()}'


def run(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def packets(path, *fields):
    """What tshark makes of it; any complaint is a failure."""
    words = [word for field in fields for word in ('-e', field)]
    shown = subprocess.run(['tshark', '-n', '-r', path, '-T', 'fields', *words], capture_output=True, text=True)
    said = [line for line in shown.stderr.splitlines() if 'Running as user' not in line]
    assert shown.returncode == 0 and said == [], (shown.returncode, said)
    return [line.split('\t') for line in shown.stdout.splitlines()]


def exchange(count):
    """So many connections to a closed port of the namespace NETNS: two packets each."""
    code = "import socket,sys\nfor _ in range(int(sys.argv[1])): socket.socket().connect_ex(('127.0.0.1', 9))"
    run('ip', 'netns', 'exec', NETNS, sys.executable, '-c', code, str(count))


def headers_of_a_namespace():
    options = json.dumps({'netns': NETNS, 'forMs': 60_000, 'filter': 'tcp port 9', 'maxOctets': 2000})
    process = subprocess.Popen([*HEADERS, options], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'listening\n'
    exchange(100)
    result = json.loads(process.communicate()[0])
    # Full long before the minute is over, and whole.
    assert result['endedBy'] == 'full' and result['octets'] < 2600, result
    rows = packets(result['path'], 'frame.interface_name', 'tcp.flags.reset')
    assert len(rows) == result['packets'] > 0, (rows, result)
    assert {row[0] for row in rows} == {'lo'}, rows
    shutil.rmtree(os.path.dirname(result['path']))


def headers_of_nothing():
    result = run(*HEADERS, json.dumps({'netns': NETNS, 'forMs': 200})).splitlines()
    result = json.loads(result[1])
    assert result['packets'] == 0 and result['endedBy'] == 'time' and result['dropped'] == 0, result
    assert packets(result['path'], 'frame.number') == []
    shutil.rmtree(os.path.dirname(result['path']))


def own_namespace_is_kept():
    """Entering another one for the child must not leave tcpwhy there."""
    before = os.readlink('/proc/self/ns/net')
    assert run('ip', 'netns', 'exec', NETNS, 'readlink', '/proc/self/ns/net').strip() != before


TESTS = [headers_of_a_namespace, headers_of_nothing, own_namespace_is_kept]


def main():
    run('ip', 'netns', 'add', NETNS)
    try:
        run('ip', '-n', NETNS, 'link', 'set', 'lo', 'up')
        for test in TESTS:
            test()
            print(f'capture: {test.__name__.replace("_", " ")}')
    finally:
        run('ip', 'netns', 'del', NETNS)


socket.setdefaulttimeout(30)
main()
