#!/usr/bin/env bash
# The five incidents, made to happen on this machine, diagnosed blind, fixed and proven (tcpwhy lab run --fix); neighbours and
# healthy stories, of which no sure claim may be wrong (tcpwhy lab score); and that nothing is left behind, by Ctrl-C or kill -9.
# Installs the servers it plays with, without letting any of them start. Last line: "PASSED FAILED".
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PATH="$PATH:/usr/sbin:/sbin"

INCIDENTS=(
  'listen-backlog abort-on-overflow'
  'idle-timeout reset'
  'open-transaction go-mariadb'
  'pool-starvation go'
  'unread-body java'
)
NEIGHBOURS=(port-closed firewall-reject/tcp-reset process-killed/unread-data early-response-upload zero-window-stall health-checks long-poll)
PACKAGES=(nginx-light haproxy mariadb-server golang-go golang-github-go-sql-driver-mysql-dev golang-github-lib-pq-dev
  openjdk-17-jdk-headless iproute2 util-linux nftables ethtool procps tcpdump python3)

passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# told NAME RC: counts it, and shows the first lines of its output
told() {
  if [ "$2" -eq 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  printf '%s: exit code %s\n' "$1" "$2"
  if [ "$2" -eq 0 ]; then head -n 3 "$work/out"; else cat "$work/out" "$work/err"; fi
}

install() {
  local missing=() name
  for name in "${PACKAGES[@]}"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'install ok' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || { echo "install first: ${missing[*]}" >&2; return 1; }
  # Debian starts what it installs, unless this says no.
  local policy=/usr/sbin/policy-rc.d ours=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"
    ours=1
  fi
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  local rc=$?
  [ "$ours" -eq 1 ] && rm -f "$policy"
  return $rc
}

# waits until the lab of process $1 has made its namespaces, at most 30 s
stands() {
  for _ in $(seq 150); do
    for owner in /tmp/tcpwhy-lab-*/owner; do
      if [ -r "$owner" ] && [ "$(cut -d' ' -f1 "$owner")" = "$1" ]; then
        slot=$(dirname "$owner")
        ip netns list | grep -q "twlab${slot##*-}-server" && return 0
      fi
    done
    sleep 0.2
  done
  return 1
}

# left SLOT: says what is still there of it
left() {
  ip netns list | grep -o "twlab${1##*-}-[a-z0-9]*"
  [ -e "$1" ] && echo "$1"
}

# stopped SECONDS: Ctrl-C so long after the stage stands, while requests, a live look and a worker that stands still are under way
stopped() {
  local child slot
  node bin/tcpwhy.js lab run listen-backlog --fix --quiet >/dev/null 2>"$work/stopped" &
  child=$!
  stands "$child" || { echo 'the stage did not stand' && return 1; }
  sleep "$1"
  kill -INT "$child"
  wait "$child"
  [ $? -eq 2 ] || { echo "Ctrl-C after $1 s did not end with 2:" && cat "$work/stopped" && return 1; }
  [ -z "$(left "$slot")" ] || { echo "left after Ctrl-C: $(left "$slot")" && return 1; }
}

undone() {
  local child slot
  node bin/tcpwhy.js lab run long-poll --quiet >/dev/null 2>&1 &
  child=$!
  stands "$child" || { echo 'the stage did not stand' && return 1; }
  kill -INT "$child"
  wait "$child"
  [ $? -eq 2 ] || { echo 'Ctrl-C did not end with 2' && return 1; }
  [ -z "$(left "$slot")" ] || { echo "left after Ctrl-C: $(left "$slot")" && return 1; }
  node bin/tcpwhy.js lab run long-poll --quiet >/dev/null 2>&1 &
  child=$!
  stands "$child" || { echo 'the stage did not stand again' && return 1; }
  local inside
  inside=$(ip netns pids "twlab${slot##*-}-server")
  [ -n "$inside" ] || { echo 'nothing runs in the namespace of the server' && return 1; }
  kill -KILL "$child"
  wait "$child" 2>/dev/null
  [ -n "$(left "$slot")" ] || { echo 'kill -9 left nothing: this test tests nothing' && return 1; }
  local dead=$slot
  node bin/tcpwhy.js lab run port-closed --quiet --json >"$work/next.json" || { echo 'the next run failed' && return 1; }
  grep -q 'Left by a run that was killed' "$work/next.json" || { echo 'the next run did not say what it removed' && return 1; }
  for pid in $inside; do
    [ ! -e "/proc/$pid" ] || { echo "process $pid is left" && return 1; }
  done
  # The slot may be taken again by now, but not by the dead one.
  [ ! -e "$dead/owner" ] || [ "$(cut -d' ' -f1 "$dead/owner")" != "$child" ] || { echo 'it is still there' && return 1; }
}

if ! install; then
  echo 'packages of the lab could not be installed'
  echo '0 1'
  exit 1
fi
for story in "${INCIDENTS[@]}"; do
  read -r id variant <<<"$story"
  node bin/tcpwhy.js lab run "$id" --variant "$variant" --fix --quiet --no-color >"$work/out" 2>"$work/err"
  told "$id/$variant" $?
done
node bin/tcpwhy.js lab score --quiet --no-color "${NEIGHBOURS[@]}" >"$work/out" 2>"$work/err"
told 'neighbours and healthy stories' $?
undone >"$work/out" 2>"$work/err"
told 'nothing is left behind' $?
for moment in 0 1 2.5 9; do
  stopped "$moment" >"$work/out" 2>"$work/err"
  told "Ctrl-C after $moment s" $?
done
echo "$passed $failed"
[ "$failed" -eq 0 ]
