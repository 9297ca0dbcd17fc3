#!/usr/bin/env bash
# A live pipe, for real: tcpdump -w - | tcpwhy -, in a network namespace of its own, ended as people end it.
# Expected: the refused connections are named, and the exit code says "problem".
# Then what src/host tells of this kernel: netlink, ss and /proc must say the same (test/live/host.ts).
# Then a container, found with its name from outside (test/live/container.ts).
# Then the listen queues: as many handshakes as tcpwhy queue says, counted (test/live/queue.py). Then the kernel's own
# events, each made to happen (test/live/events.py), and a host on which everything is wrong, diagnosed (test/live/diagnose.py), and servers at limits of their
# own configuration: HAProxy, nginx, PostgreSQL (test/live/servers.py). Then idle limits, drawn at random, made and found (scripts/probe-proof).
# Then probe connect and probe http against real servers: TLS, IPv6, firewalls, requests lost at nginx's close (test/live/probe.ts).
# Then what one tcpdump tells of several ends (test/live/watch-packets.ts).
# Then that no experiment sends more than it announced, counted by nft and in nginx's log (test/live/probe-budgets.ts).
# Then probe idle --mysql-ping against MariaDB, and against PostgreSQL, which is no MySQL (test/live/databases.ts).
# Last the scene before a restart: a bundle of an ill service, its causes, secrets, interruptions (test/live/snapshot.py).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
for tool in tcpdump:tcpdump ip:iproute2 unshare:util-linux python3:python3 nft:nftables tshark:tshark runc:runc podman:podman crun:crun busybox:busybox-static sysctl:procps nginx:nginx-light openssl:openssl haproxy:haproxy mariadbd:mariadb-server; do
  PATH="$PATH:/usr/sbin:/sbin" command -v "${tool%%:*}" >/dev/null || missing+=("${tool##*:}")
done
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "install first: ${missing[*]}" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  # Debian starts what it installs, unless this says no.
  policy=/usr/sbin/policy-rc.d
  [ -e "$policy" ] && policy=/dev/null || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; }
  rc=0
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || rc=$?
  [ "$policy" = /dev/null ] || rm -f "$policy"
  [ "$rc" -eq 0 ] || exit "$rc"
fi

own=(unshare --net)
[ "$(id -u)" -eq 0 ] || own=(unshare --net --map-root-user)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Of our own: another tcpwhy on this machine removes what it takes for leftovers of one that died.
mkdir "$work/tmp"
chmod 1777 "$work" "$work/tmp"
export TMPDIR="$work/tmp"

"${own[@]}" bash -s "$work" <<'INSIDE'
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
work=$1
ip link set lo up
mkfifo "$work/pipe"
tcpdump -i lo -Z root -s 96 -U -w - tcp >"$work/pipe" 2>"$work/tcpdump.err" &
tcpdump=$!
node bin/tcpwhy.js --no-color - <"$work/pipe" >"$work/report" 2>"$work/err" &
tcpwhy=$!
until grep -q 'listening on' "$work/tcpdump.err"; do
  kill -0 "$tcpdump" 2>/dev/null || { cat "$work/tcpdump.err" >&2; exit 1; }
  sleep 0.1
done
for _ in 1 2 3 4 5; do (exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null || true; done
sleep 1
kill -INT "$tcpdump"
wait "$tcpdump" || true
code=0
wait "$tcpwhy" || code=$?
head -n 3 "$work/report"
cat "$work/err" >&2
[ "$code" -eq 1 ] || { echo "exit code $code instead of 1" >&2; exit 1; }
grep -q 'port-closed' "$work/report" || { echo 'port-closed is not in the report' >&2; exit 1; }
grep -q 'affected *5 of 5 connections' "$work/report" || { echo 'not 5 of 5 connections' >&2; exit 1; }
INSIDE

PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" python3 test/live/queue.py
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount python3 test/live/events.py
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount python3 test/live/diagnose.py
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount python3 test/live/servers.py
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount python3 test/live/capture.py
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" node_modules/.bin/tsx test/live/host.ts
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount node_modules/.bin/tsx test/live/container.ts
# Experiments: three paths with limits at random, found by tcpwhy probe idle (all flavours, 30 runs: npm run probe:proof).
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount sh -c 'mount -t tmpfs none /run && exec node_modules/.bin/tsx scripts/probe-proof/run.ts --runs 3 --at-once 3 --from 2 --to 5 --untimed --only any-packet-drop,data-only-reset,server-fin'
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount sh -c 'mount -t tmpfs none /run && exec node_modules/.bin/tsx test/live/probe.ts'
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount sh -c 'mount -t tmpfs none /run && exec node_modules/.bin/tsx test/live/probe-budgets.ts'
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount sh -c 'ip link set lo up && exec node_modules/.bin/tsx test/live/databases.ts'
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" sh -c 'ip link set lo up && exec node_modules/.bin/tsx test/live/watch-packets.ts'
PATH="$PATH:/usr/sbin:/sbin" "${own[@]}" --mount --pid --fork --mount-proc python3 test/live/snapshot.py
