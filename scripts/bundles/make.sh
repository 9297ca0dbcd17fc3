#!/usr/bin/env bash
# Makes test/bundles/sick.tar.gz again: a host "web1" of its own (network, processes, name), in which a real service is ill
# in two ways (test/live/sick_service.py). Needs root, and npm run build before it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec unshare --net --pid --fork --uts --mount --mount-proc bash -s <<'INSIDE'
set -euo pipefail
PATH="$PATH:/usr/sbin:/sbin"
hostname web1
ip link set lo up
mkfifo /tmp/tcpwhy-make-bundle
trap 'rm -f /tmp/tcpwhy-make-bundle' EXIT
exec 4<>/tmp/tcpwhy-make-bundle
exec 3< <(python3 test/live/sick_service.py <&4 4>&-)
read -r word pid <&3
[ "$word" = ready ]
sleep 1
node bin/tcpwhy.js snapshot --for 2s --pid "$pid" -o test/bundles/sick.tar.gz
kill "$pid"
INSIDE
