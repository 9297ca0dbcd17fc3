"""A router that takes time. Packets are routed into a TUN device, held, and put back.

relay.py DELAY_MS RULES   RULES: JSON, {"lose": 0.08, "of": "10.64.2.3", "seed": 11, "censor": "forbidden",
"towardsServer": true}. Told on standard input: "outage 1.7", and nothing passes for so many seconds. Made inside the router's namespace; the device is `relay`.
Prints "ready". What this kernel has no netem for.
"""

import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time

DELAY_S, RULES = float(sys.argv[1]) / 1000, json.loads(sys.argv[2])
TUNSETIFF, IFF_TUN_NO_PI = 0x400454CA, 0x1001  # linux/if_tun.h
luck, heap, count, censored, deaf_until = random.Random(RULES.get('seed', 1)), [], 0, set(), 0.0


def checksum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reset(source, sport, dest, dport, seq, ack, flags, ttl, ident):
    tcp = struct.pack('!HHIIBBHHH', sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 1100, 0, 0)
    src, dst = socket.inet_aton(source), socket.inet_aton(dest)
    tcp = tcp[:16] + struct.pack('!H', checksum(src + dst + struct.pack('!BBH', 0, 6, 20) + tcp)) + tcp[18:]
    ip = struct.pack('!BBHHHBBH', 0x45, 0, 40, ident, 0x4000, ttl, 6, 0) + src + dst
    return ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:] + tcp


def put(packet, delay):
    global count
    count += 1
    heapq.heappush(heap, (time.monotonic() + delay, count, bytes(packet)))


def watch(packet):
    """A censor: a word in a request is answered by resets in the other end's name."""
    ihl = (packet[0] & 15) * 4
    if packet[9] != 6 or RULES['censor'].encode() not in packet:
        return
    source, dest = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    sport, dport, seq, ack = struct.unpack('!HHII', packet[ihl:ihl + 12])
    if sport in censored:
        return
    censored.add(sport)
    length = len(packet) - ihl - (packet[ihl + 12] >> 4) * 4
    for n in range(3):
        put(reset(dest, dport, source, sport, ack, seq + length, 0x14, 111, 0xd431 - 7 * n), 0.0005 * n)
    if RULES.get('towardsServer'):
        put(reset(source, sport, dest, dport, seq, ack, 0x04, 113, 0x4711), 0.001)


def passes(packet):
    if 'censor' in RULES:
        watch(packet)
    if time.monotonic() < deaf_until:
        return False
    of = RULES.get('of')
    concerned = of is None or socket.inet_aton(of) in (packet[12:16], packet[16:20])
    return not (concerned and luck.random() < RULES.get('lose', 0))


tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', b'relay', IFF_TUN_NO_PI))
print('ready', flush=True)
while True:
    due = heap[0][0] - time.monotonic() if heap else 60.0
    ready, _, _ = select.select([tun, 0], [], [], max(due, 0))
    if 0 in ready:
        words = os.read(0, 4096).split()
        if not words:
            sys.exit(0)  # whoever started it has gone
        deaf_until = time.monotonic() + float(words[1])
    if tun in ready:
        try:
            while True:
                packet = os.read(tun, 65535)
                if passes(packet):
                    put(packet, DELAY_S)
        except BlockingIOError:
            pass
    while heap and heap[0][0] <= time.monotonic():
        try:
            os.write(tun, heapq.heappop(heap)[2])
        except OSError:
            pass  # a full queue loses packets, as routers do
