#!/usr/bin/env bash
# The whole test suite from a bare clone: installs what is missing, builds, runs everything. No input, no network but npm and apt.
# Arguments go to vitest: ./test.sh test/gates
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

say() { printf '%s\n' "$*" >&2; }

command -v node >/dev/null && command -v npm >/dev/null || {
  say 'tcpwhy needs Node.js 20.19 or newer and npm: https://nodejs.org, or your distribution.'
  exit 2
}
node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || {
  say "tcpwhy needs Node.js 20.19 or newer; this is $(node --version)."
  exit 2
}

# node_modules as the lock file says. A link belongs to another checkout, which keeps it up to date itself.
if [ ! -L node_modules ] && { [ -n "${CI:-}" ] || [ ! package-lock.json -ot node_modules/.package-lock.json ]; }; then
  npm ci --no-audit --no-fund
fi

npm run --silent build
mkdir -p .tmp
rm -f .tmp/tests.json
npx vitest run --reporter=default --reporter=json --outputFile.json=.tmp/tests.json "$@" </dev/null
