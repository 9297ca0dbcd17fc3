// That no experiment sends more than it announced, counted outside of tcpwhy: SYNs by nft in the client's network namespace, requests in
// nginx's log, the time by a clock. As root; ip, nft, nginx, tcpdump.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Network, SERVER } from '../../scripts/probe-proof/network.ts'
import type { ProbeReport } from '../../src/probe/report.ts'

const bin = fileURLToPath(new URL('../../bin/tcpwhy.js', import.meta.url))
/** What starting and ending Node takes at most on a machine that is busy. */
const START_MS = 3000
/** Requests that a late timer, or a busy server, moved into the second of others. */
const LATE = 2

const network = new Network(98)
const { folder } = network
const log = join(folder, 'requests')

async function startNginx(): Promise<void> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; } http { log_format one '$msec'; access_log ${log} one; ${temporary}
      server { listen 8080; keepalive_timeout 1500ms; location / { return 200 "ok"; } }
      server { listen 8081; keepalive_timeout 0; location / { return 200 "ok"; } } }`,
  )
  network.start('server', ['nginx', '-c', join(folder, 'nginx.conf')])
  await network.listening('server', 8081)
}

function countSyns(): void {
  const rules = `table inet count { counter syns { }
    chain out { type filter hook output priority 0; tcp flags & (syn | ack) == syn counter name syns; }
  }`
  network.run('client', ['nft', '-f', '-'], rules)
}

function synsSince(): number {
  const text = network.run('client', ['nft', '-j', 'reset', 'counter', 'inet', 'count', 'syns'])
  const { nftables } = JSON.parse(text) as { nftables: { counter?: { packets: number } }[] }
  return nftables.find(({ counter }) => counter !== undefined)?.counter?.packets ?? -1
}

/** When each was answered, in seconds. */
function requestsSince(): number[] {
  const times = readFileSync(log, 'utf8').trim().split('\n').map(Number)
  writeFileSync(log, '')
  return times.filter((time) => time > 0)
}

function mostInOneSecond(times: readonly number[]): number {
  const counts = times.map((from) => times.filter((at) => at >= from && at < from + 1).length)
  return Math.max(0, ...counts)
}

const number = (text: string | undefined) =>
  Number((text ?? 'one').replace('one', '1').replaceAll(',', ''))

/** What was announced on standard error, as people read it. */
function announced(text: string) {
  const words = text.replaceAll('\n', ' ')
  const asks = /(?:at most ([\d,]+) requests|(one) request) \(([^)]+)\) in all/.exec(words)
  const opens = /will open (?:at most ([\d,]+) connections|(one) connection) to /.exec(words)
  assert.ok(opens !== null && /is over in .+ at the latest/.test(words), text)
  return {
    connections: number(opens[1] ?? opens[2]),
    requests: asks === null ? 0 : number(asks[1] ?? asks[2]),
  }
}

async function holds(words: string, { usesUp = false } = {}): Promise<void> {
  synsSince()
  requestsSince()
  const fromMs = performance.now()
  const argv = ['probe', ...words.split(' '), '--json']
  const { code, out, err } = await network.output('client', [process.execPath, bin, ...argv])
  const tookMs = performance.now() - fromMs
  assert.equal(code, 0, `${words}: ${code} ${err}`)
  const report = JSON.parse(out) as ProbeReport
  const { plan, spent } = report
  const said = announced(err)
  const times = requestsSince()
  const [syns, requests] = [synsSince(), times.length]
  const seen = `${syns} SYNs, ${requests} requests, ${Math.round(tookMs)} ms`
  assert.equal(said.connections, plan.connections, err)
  assert.equal(said.requests, plan.requests, err)
  assert.ok(syns > 0 && syns <= plan.connections, `${seen}; announced ${plan.connections}`)
  assert.equal(syns, spent.connections, seen)
  assert.ok(requests <= plan.requests, `${seen}; announced ${plan.requests}`)
  assert.ok(plan.requests === 0 || requests > 0, seen)
  assert.ok(spent.octetsSent <= plan.octets, `${spent.octetsSent} of ${plan.octets} octets`)
  assert.ok(tookMs <= plan.deadlineMs + START_MS, `${seen}; announced ${plan.deadlineMs} ms`)
  // Of probe idle only connections are announced by the second: what is asked after a silence is asked when it ends.
  if (plan.perSecond !== null && report.probe !== 'idle') {
    const most = mostInOneSecond(times)
    assert.ok(most <= plan.perSecond + LATE, `${most} in a second; announced ${plan.perSecond}`)
  }
  if (usesUp) assert.equal(syns, plan.connections, seen)
  console.log(
    `ok probe ${words}: ${seen} of ${plan.connections}, ${plan.requests}, ${plan.deadlineMs} ms`,
  )
}

try {
  await startNginx()
  countSyns()
  await holds(`connect http://${SERVER}:8080/`)
  await holds(`connect ${SERVER}:8080 --no-walk`)
  await holds(`backlog http://${SERVER}:8080/ --connections 40`)
  await holds(`http http://${SERVER}:8080/ --post --max 3s --requests 20 --race 20`)
  await holds(`idle ${SERVER}:8080 --http / --max 3s --precision 500ms`)
  await holds(`idle ${SERVER}:8080 --max 2s --precision 500ms`)
  await holds(`load http://${SERVER}:8080/ --rate 40 --for 2s`)
  // nginx closes after each answer: kept connections are not kept.
  const owned = '--yes-i-own-this --concurrency 20'
  await holds(`load http://${SERVER}:8081/ ${owned} --for 20s --max-connections 300`, {
    usesUp: true,
  })
  await holds(`load http://${SERVER}:8081/ ${owned} --for 500ms`)
  await holds(`load http://${SERVER}:8081/ ${owned} --one-shot --count 200`, { usesUp: true })
} finally {
  network.close()
}
