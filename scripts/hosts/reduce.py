"""Older shapes of the recorded host, by leaving out what an older kernel does not tell: scripts/hosts/reduce.py

Writes test/hosts/{5.15,4.18,3.10}: only files that differ from test/hosts/6.18, and absent.json with the paths that are
not there. Only differences that can be read in a kernel's source are made; test/hosts/README.md names the place of each.
"""

import json
import os
import shutil
import struct
import sys

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../test/hosts')
BASE = '6.18'

INET_DIAG_INFO, INET_DIAG_SKMEMINFO, INET_DIAG_PEERS, INET_DIAG_CGROUP_ID = 2, 7, 13, 21
NLMSG_HDR, DIAG_MSG, SOCK_DIAG_BY_FAMILY = 16, 72, 20

# net/ipv4/proc.c snmp4_net_list
SINCE_5_15 = """BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait TCPPLBRehash TCPAORequired TCPAOBad TCPAOKeyNotFound
TCPAOGood TCPAODroppedIcmps""".split()
SINCE_3_10 = SINCE_5_15 + """TCPBacklogCoalesce TCPMemoryPressuresChrono TCPMD5Failure PFMemallocDrop TCPFastOpenBlackhole
TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd TCPACKSkippedSynRecv TCPACKSkippedPAWS
TCPACKSkippedSeq TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail
TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop TCPWqueueTooBig
TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious
TCPMigrateReqSuccess TCPMigrateReqFailure InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps""".split()

PRESSURE = [f'/proc/pressure/{name}' for name in ('cpu', 'memory', 'io')]
LINEAR = '/proc/sys/net/ipv4/tcp_syn_linear_timeouts'

SHAPES = {
    '5.15': {'columns': SINCE_5_15, 'tcp_info': 232, 'attributes': INET_DIAG_CGROUP_ID, 'absent': [LINEAR]},
    '4.18': {'columns': SINCE_5_15, 'tcp_info': 232, 'attributes': INET_DIAG_CGROUP_ID - 1, 'somaxconn': 128, 'disk': 18,
             'absent': [LINEAR, *PRESSURE]},
    '3.10': {'columns': SINCE_3_10, 'tcp_info': 104, 'skmem': 8 * 4, 'attributes': INET_DIAG_PEERS, 'somaxconn': 128, 'disk': 14,
             'cgroup2': False, 'absent': [LINEAR, *PRESSURE]},
}


def main():
    for version, shape in SHAPES.items():
        out = os.path.join(HERE, version)
        shutil.rmtree(out, ignore_errors=True)
        reduce(out, version, shape)


def reduce(out, version, shape):
    scene = json.loads(read('scene.json'))
    write(out, 'scene.json', json.dumps({**scene, 'release': f'{version}.0', 'base': f'test/hosts/{BASE}'}, indent=1) + '\n')
    write(out, 'absent.json', json.dumps(shape['absent'], indent=1) + '\n')
    for name in ('proc/net/netstat', 'proc/net/netstat.later'):
        write(out, name, without_columns(read(name).decode(), shape['columns']))
    for family in ('inet', 'inet6'):
        name = f'sock-diag-{family}.bin'
        write(out, name, shorter_dump(read(name), shape))
    if 'disk' in shape:
        lines = read('proc/diskstats').decode().splitlines()
        write(out, 'proc/diskstats', ''.join(' '.join(line.split()[:shape['disk']]) + '\n' for line in lines))
    if 'somaxconn' in shape:
        write(out, 'proc/sys/net/core/somaxconn', f"{shape['somaxconn']}\n")
    if not shape.get('cgroup2', True):
        for pid in (scene['server'], scene['client']):
            lines = read(f'proc/{pid}/cgroup').decode().splitlines(keepends=True)
            write(out, f'proc/{pid}/cgroup', ''.join(line for line in lines if not line.startswith('0::')))


def without_columns(text, gone):
    lines = text.splitlines()
    out = []
    for names, values in zip(lines[::2], lines[1::2]):
        kept = [at for at, name in enumerate(names.split()) if name not in gone]
        out += [' '.join(line.split()[at] for at in kept) for line in (names, values)]
    return '\n'.join(out) + '\n'


def shorter_dump(octets, shape):
    out = b''
    at = 0
    while at < len(octets):
        length, kind = struct.unpack_from('=IH', octets, at)
        message = octets[at:at + length]
        if kind == SOCK_DIAG_BY_FAMILY:
            body = message[NLMSG_HDR:NLMSG_HDR + DIAG_MSG] + attributes(message[NLMSG_HDR + DIAG_MSG:], shape)
            message = struct.pack('=I', NLMSG_HDR + len(body)) + message[4:NLMSG_HDR] + body
        out += message
        at += length + 3 & ~3
    return out


def attributes(octets, shape):
    out = b''
    at = 0
    while at + 4 <= len(octets):
        length, kind = struct.unpack_from('=HH', octets, at)
        value = octets[at + 4:at + length]
        if kind == INET_DIAG_INFO:
            value = value[:shape['tcp_info']]
        if kind == INET_DIAG_SKMEMINFO:
            value = value[:shape.get('skmem', len(value))]
        if kind <= shape['attributes']:
            out += struct.pack('=HH', 4 + len(value), kind) + value + bytes(-len(value) % 4)
        at += length + 3 & ~3
    return out


def read(name):
    with open(os.path.join(HERE, BASE, name), 'rb') as file:
        return file.read()


def write(out, name, content):
    path = os.path.join(out, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(content.encode() if isinstance(content, str) else content)


if __name__ == '__main__':
    sys.exit(main())
