"""Makes the project's own captures: npm run captures -- ID...   (no ID: says which there are; `all`: all)

Each file in causes/ registers functions with @capture. A function is given a Stage, does the thing,
and this program writes test/captures/<area>/<id>*.pcap and, beside it, <id>.md: what was done, what is
expected of tcpwhy, and what the kernel itself said about every RST it sent.
"""

import collections
import importlib.util
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import stage as stages  # noqa: E402

OUT = os.path.join(HERE, '..', '..', 'test', 'captures')
MAKERS = {}


def capture(ident, *, expects, vantage='client', stage=None, more=None, **front):
    """Registers a maker. @param ident 'area/id'; the docstring becomes the page's text."""
    def register(function):
        MAKERS[ident] = (function, expects, vantage, stage or {}, front)
        return function
    return register


def flow(value):
    """YAML flow style, the few shapes that the pages need."""
    if isinstance(value, dict):
        return '{ ' + ', '.join(f'{k}: {flow(v)}' for k, v in value.items()) + ' }'
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(flow(v) for v in value) + ']'
    return 'null' if value is None else str(value)


def make(ident):
    function, expects, vantage, options, front = MAKERS[ident]
    area, name = ident.split('/')
    with stages.Stage(**options) as stage:
        function(stage)
        files = keep(stage.untap(), area, name)
        if front.get('clientBehindByMs'):
            shift(files, -front['clientBehindByMs'])
        page = write_page(ident, function, expects, vantage, front, stage, files)
    print(f'{ident}: ' + ', '.join(f'{os.path.basename(f)} {os.path.getsize(f)}' for f in files))
    summarize(files[0])
    print('  kernel: ' + (re.search(r'(?m)^(Together|Nothing): .*', page) or [''])[0])
    for line in stage.notes:
        print(f'    {line}')


def keep(taken, area, name):
    os.makedirs(os.path.join(OUT, area), exist_ok=True)
    made = []
    for where, path in taken.items():
        suffix = f'.{where}' if len(taken) > 1 else ''
        target = os.path.normpath(os.path.join(OUT, area, f'{name}{suffix}.pcap'))
        shutil.copyfile(path, target)
        made.append(target)
    return made


def shift(files, by_ms):
    """Gives the client's capture another clock."""
    path = next(f for f in files if '.client.' in f)
    subprocess.run(['editcap', '-F', 'pcap', '-t', str(by_ms / 1000), path, path + '.new'], check=True)
    os.replace(path + '.new', path)


def write_page(ident, function, expects, vantage, front, stage, files):
    area, name = ident.split('/')
    count = len(streams(files[0]))
    head = {'expects': expects, 'vantage': vantage, **front, 'connections': count,
            'files': [os.path.basename(f) for f in files]}
    text = re.sub(r'(?m)^ {4}', '', (function.__doc__ or '').strip())
    script = os.path.relpath(function.__code__.co_filename, os.path.join(HERE, '..', '..'))
    parts = ['---\n' + '\n'.join(f'{k}: {flow(v)}' for k, v in head.items()) + '\n---',
             f'# {ident}\n\nMade by `{script}` (`npm run captures -- {ident}`) on Linux {os.uname().release}.\n\n{text}']
    if stage.notes:
        parts.append('## What the applications saw\n' + '\n'.join(f'- {n}' for n in stage.notes))
    parts.append('## What the kernel said (`tcp:tcp_send_reset`)\n' + kernel(stage, files))
    parts.append('## Counters that moved\n' + counters(stage))
    page = '\n\n'.join(parts) + '\n'
    with open(os.path.join(OUT, area, f'{name}.md'), 'w') as out:
        out.write(page)
    return page


def kernel(stage, files):
    if not stage.events:
        return 'Nothing: no RST here was built by the TCP stack.'
    first = float(subprocess.run(['tshark', '-r', files[0], '-c1', '-T', 'fields', '-e', 'frame.time_epoch'],
                                 capture_output=True, text=True).stdout.split()[0])
    rows = [f'| {e["at"] - first:.6f} | {e["src"]} | {e["dest"]} | {e["state"]} | {e["reason"]} | {context(e)} |'
            for e in stage.events]
    cut = [*rows[:20], f'| … | {len(rows) - 20} more | | | | |'] if len(rows) > 24 else rows
    total = collections.Counter(f'{e["state"]} {e["reason"]}' for e in stage.events)
    return ('| s | sent by | to | state | reason | context |\n|---|---|---|---|---|---|\n' + '\n'.join(cut)
            + '\n\nTogether: ' + ', '.join(f'{n} x {k}' for k, n in total.most_common()) + '.')


def context(event):
    """The flags column of ftrace: an `s` or `h` in it means interrupt, where the pid says nothing."""
    return 'softirq' if re.search(r'[shHzZ]', event['flags'][2:3]) else f'process {event["who"]}'


def counters(stage):
    rows = [f'| {side} | {k} | {v} |' for side, moved in stage.counters.items() for k, v in sorted(moved.items())]
    return '| where | counter | by |\n|---|---|---|\n' + '\n'.join(rows) if rows else 'None of those of interest.'


def streams(path):
    """@returns {stream: [(time, source address:port, flags, length)]} as tshark counts streams"""
    fields = ['tcp.stream', 'frame.time_relative', 'ip.src', 'ipv6.src', 'tcp.srcport', 'tcp.flags.str', 'tcp.len', 'icmp.type', 'icmpv6.type']
    out = subprocess.run(['tshark', '-r', path, '-T', 'fields', *sum((['-e', f] for f in fields), [])],
                         capture_output=True, text=True).stdout
    found = collections.defaultdict(list)
    for row in (line.split('\t') for line in out.splitlines()):
        if row[0]:
            flags = 'ICMP' if row[7] or row[8] else row[5].replace('·', '')
            found[row[0].split(',')[0]].append((float(row[1]), f'{row[2] or row[3]} {row[4]}', flags, row[6]))
    return found


def summarize(path, limit=14):
    """One line a connection, for the eye: > from the first sender, < from the other."""
    lines = collections.Counter()
    for rows in streams(path).values():
        first = rows[0][1]
        parts = [('>' if who == first else '<') + flags.replace('A', '.') + (ln if ln not in ('', '0') else '')
                 for _, who, flags, ln in rows]
        text = ' '.join(parts)
        lines[text if len(text) < 300 else text[:170] + ' … ' + text[-110:]] += 1
    for text, n in lines.most_common(limit):
        print(f'  {n:4} x {text}')


def write_list():
    """The table in test/captures/README.md, from the pages' own words."""
    rows = []
    for area in sorted(os.listdir(OUT)):
        if not os.path.isdir(os.path.join(OUT, area)):
            continue
        for page in sorted(f for f in os.listdir(os.path.join(OUT, area)) if f.endswith('.md')):
            with open(os.path.join(OUT, area, page)) as file:
                head = dict(line.split(': ', 1) for line in file.read().split('---')[1].strip().splitlines())
            expects = dict(p.split(': ') for p in head['expects'].strip('{ }').split(', '))
            cause = expects['cause'] + (f' ({expects["variant"]})' if 'variant' in expects else '')
            rows.append(f'| [{area}/{page[:-3]}]({area}/{page}) | {expects["verdict"]} | {cause} | '
                        f'{expects.get("culprit", "")} | {head["vantage"]} | {head["connections"]} |')
    path = os.path.join(OUT, 'README.md')
    with open(path) as file:
        before = file.read().split('| id |')[0]
    with open(path, 'w') as out:
        out.write(before + '| id | verdict | cause | culprit | vantage | connections |\n|---|---|---|---|---|---|\n'
                  + '\n'.join(rows) + '\n')


def install_missing():
    """What the makers run, from Debian or Ubuntu packages."""
    programs = {'ip': 'iproute2', 'nft': 'nftables', 'tcpdump': 'tcpdump', 'tshark': 'tshark', 'ethtool': 'ethtool',
                'nginx': 'nginx', 'haproxy': 'haproxy', 'mariadbd': 'mariadb-server', 'openssl': 'openssl',
                'psql': 'postgresql', 'node': 'nodejs', 'redis-server': 'redis-server', 'setpriv': 'util-linux'}
    missing = sorted({package for program, package in programs.items() if not shutil.which(program)})
    if missing:
        print(f'installing {" ".join(missing)}')
        subprocess.run(['apt-get', 'install', '-y', '-qq', *missing], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {'DEBIAN_FRONTEND': 'noninteractive'})


def load():
    for file in sorted(os.listdir(os.path.join(HERE, 'causes'))):
        if file.endswith('.py'):
            spec = importlib.util.spec_from_file_location(file[:-3].replace('-', '_'), os.path.join(HERE, 'causes', file))
            sys.modules[spec.name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[spec.name])


def main(wanted):
    sys.modules['make'] = sys.modules[__name__]
    load()
    chosen = [i for i in MAKERS if any(w == 'all' or i == w or i.startswith(w + '/') for w in wanted)]
    if not chosen:
        print('npm run captures -- ID...   where ID is "all", an area, or one of\n  ' + '\n  '.join(sorted(MAKERS)))
        return 0 if not wanted else 2
    if os.geteuid() != 0:
        print('Making captures needs root: namespaces, raw sockets, tracefs.')
        return 2
    install_missing()
    try:
        for ident in chosen:
            make(ident)
    finally:
        write_list()
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
