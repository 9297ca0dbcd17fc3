// What tcpwhy probe connect and probe http say of real servers, in three network namespaces in a row (client, router, server): TLS that
// works and that does not, IPv4 and IPv6 side by side, who refuses and where SYNs get lost, and requests that are lost when nginx closes,
// on a path of 80 ms. As root; ip, nft, nginx, openssl, tcpdump, python3.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLIENT, Network, ROUTER, SERVER } from '../../scripts/probe-proof/network.ts'
import { en } from '../../src/messages/en/index.ts'
import { render } from '../../src/messages/render.ts'
import type { ConnectReport, ConnectTarget } from '../../src/probe/connect/report.ts'
import type { HttpReport } from '../../src/probe/http/report.ts'

const bin = fileURLToPath(new URL('../../bin/tcpwhy.js', import.meta.url))
const DELAY_MS = 40
const KEPT_MS = 1500

const network = new Network(99)
const { folder } = network
let checks = 0

function check(name: string, is: () => void): void {
  is()
  checks++
  console.log(`ok ${name}`)
}

/** nginx: plain, TLS with a certificate of its own, one that refuses every handshake of TLS, all of them for IPv4, the first for IPv6. */
async function startNginx(): Promise<void> {
  const pair = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`]
  const words = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=dual',
  ]
  const made = spawnSync('openssl', [...words, ...pair], { encoding: 'utf8' })
  assert.equal(made.status, 0, made.stderr)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const ssl = `ssl_certificate ${folder}/cert.pem; ssl_certificate_key ${folder}/key.pem;`
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 4096; } http { access_log off; ${temporary} keepalive_timeout ${KEPT_MS}ms;
      client_header_timeout 2s; client_body_timeout 2s;
      server { listen 8080; listen [::]:8080; location / { return 200 "ok"; } }
      server { listen 8443 ssl; ${ssl} location / { return 200 "ok"; } }
      server { listen 8444 ssl; ssl_reject_handshake on; } }`,
  )
  network.start('server', ['nginx', '-c', join(folder, 'nginx.conf')])
  await network.listening('server', 8444)
}

function addIpv6(): void {
  const addresses = [
    ['client', 'eth0', 'fd00:9:1::2'],
    ['router', 'client', 'fd00:9:1::1'],
    ['router', 'server', 'fd00:9:2::1'],
    ['server', 'eth0', 'fd00:9:2::2'],
  ] as const
  for (const [place, device, address] of addresses) {
    network.run(place, ['ip', 'address', 'add', `${address}/64`, 'dev', device, 'nodad'])
  }
  network.run('router', ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=1'])
  for (const [place, via] of [
    ['client', 'fd00:9:1::1'],
    ['server', 'fd00:9:2::1'],
  ] as const) {
    network.run(place, ['ip', '-6', 'route', 'add', 'default', 'via', via])
  }
  writeFileSync(join(folder, 'hosts'), `${SERVER} dual\nfd00:9:2::2 dual\n`)
}

/** In the client's network, with our names; 1 says that a capture shows a problem. */
function tcpwhy(words: readonly string[]): string {
  const inside = `mount --bind ${folder}/hosts /etc/hosts && { "$@"; [ $? -le 1 ]; }`
  return network.run('client', [
    ...['unshare', '--mount', 'sh', '-c', inside, 'sh', process.execPath, bin, ...words],
  ])
}

function connect(target: string, ...more: string[]): ConnectReport {
  return JSON.parse(tcpwhy(['probe', 'connect', target, '--json', '--quiet', ...more]))
}

function only(report: ConnectReport): ConnectTarget {
  assert.equal(report.targets.length, 1)
  return report.targets[0]!
}

function tls(): void {
  const { visit, verdict } = only(connect('https://dual:8443/', '-4', '--no-walk'))
  check('TLS: served, with the times of each step in order and the certificate', () => {
    assert.equal(verdict, 'served')
    const times = [visit.connectedMs, visit.securedMs, visit.sentMs, visit.firstByteMs]
    assert.ok(times.every((ms) => ms !== null))
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a! - b!),
    )
    assert.match(visit.tls?.protocol ?? '', /^TLSv1\.[23]$/)
    assert.equal(visit.tls?.subject, 'dual')
    const days = (Date.parse(visit.tls?.validTo ?? '') - Date.now()) / 86_400_000
    assert.ok(days > 28 && days < 31, `${days} days`)
    assert.equal(visit.tls?.refusal, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  })
  check('a certificate that nobody trusts is said to be refused by clients', () => {
    const text = tcpwhy(['probe', 'connect', 'https://dual:8443/', '-4', '--no-walk', '--quiet'])
    assert.match(text, /Clients that check certificates refuse its: DEPTH_ZERO_SELF_SIGNED_CERT/)
    // As wide as a terminal: a long cell is wrapped.
    assert.match(text.replaceAll(/\s+/g, ' '), /TLS done .* certificate of dual until/)
  })
  check('TLS to a port without: tls-failed, with OpenSSL’s word for it', () => {
    const found = only(connect(`https://${SERVER}:8080/`, '--no-walk'))
    assert.equal(found.verdict, 'tls-failed')
    assert.match(found.visit.code ?? '', /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST/)
    assert.equal(found.visit.securedMs, null)
  })
  check('a server that refuses the name: tls-failed, by its alert', () => {
    const found = only(connect(`https://${SERVER}:8444/`, '--no-walk'))
    assert.equal(found.verdict, 'tls-failed')
    assert.match(found.visit.code ?? '', /UNRECOGNIZED_NAME|HANDSHAKE_FAILURE/)
  })
}

function families(): void {
  const both = connect('http://dual:8080/', '--no-walk')
  check('IPv4 and IPv6 side by side', () => {
    assert.deepEqual(
      both.targets.map(({ family, verdict }) => [family, verdict]),
      [
        [4, 'served'],
        [6, 'served'],
      ],
    )
    assert.deepEqual(both.dns?.addresses.toSorted(), [SERVER, 'fd00:9:2::2'])
  })
  check('IPv6 is refused where only IPv4 listens, and it says that they differ', () => {
    const { targets, conclusion } = connect('https://dual:8443/', '--no-walk')
    assert.deepEqual(
      targets.map(({ verdict }) => verdict),
      ['served', 'refused'],
    )
    assert.match(conclusion, /IPv4 and IPv6 differ/)
  })
}

function walks(): void {
  network.run(
    'router',
    ['nft', '-f', '-'],
    `table inet wall {
      chain passing {
        type filter hook forward priority 0; policy accept;
        tcp dport 81 reject with tcp reset
        tcp dport 82 drop
        tcp dport 84 reject with icmpx type admin-prohibited
        tcp dport 85 reject with icmpx type port-unreachable
      }
    }`,
  )
  const served = only(connect(`http://${SERVER}:8080/`))
  check('as root: the router between, and the hop that answers', () => {
    assert.equal(served.hops?.answered?.by, 'syn-ack')
    assert.equal(served.hops?.answered?.ttl, 2)
    assert.deepEqual(
      served.hops?.routers.map(({ ttl, from }) => [ttl, from]),
      [[1, ROUTER]],
    )
  })
  check('a port where nothing listens is refused by the host itself', () => {
    const report = connect(`${SERVER}:83`)
    assert.equal(only(report).verdict, 'refused')
    assert.match(report.conclusion, /The RST comes from hop 2, as far away as the host/)
  })
  check('a firewall that refuses in the name of the host is told from it', () => {
    const report = connect(`${SERVER}:81`)
    assert.equal(only(report).verdict, 'refused')
    assert.match(report.conclusion, /The RST comes from hop 1/)
    assert.match(report.conclusion, /a firewall on the way refuses in the name of the host/)
  })
  check('a firewall that drops: SYNs are seen as far as the router', () => {
    const report = connect(`${SERVER}:82`, '--connect-timeout', '3s')
    assert.equal(only(report).verdict, 'filtered')
    assert.match(report.conclusion, /the SYN being sent again (once|\d times)\./)
    assert.match(report.conclusion, new RegExp(`SYNs are seen as far as ${ROUTER}`))
  })
  check('a firewall that says so by ICMP', () => {
    const report = connect(`${SERVER}:84`)
    assert.equal(only(report).verdict, 'unreachable')
    assert.match(
      report.conclusion,
      new RegExp(`It is ${ROUTER.replaceAll('.', '\\.')} that says so`),
    )
  })
  check(
    'a firewall that refuses by ICMP port unreachable, which programs cannot tell from a RST',
    () => {
      const report = connect(`${SERVER}:85`)
      const { verdict, icmp } = only(report)
      assert.equal(verdict, 'refused')
      assert.deepEqual(icmp, { from: ROUTER })
      assert.match(report.conclusion, /by ICMP port unreachable from/)
      assert.doesNotMatch(report.conclusion, /The RST comes from/)
    },
  )
  check('the same walk over IPv6', () => {
    const { hops } = only(connect('http://dual:8080/', '-6'))
    assert.equal(hops?.answered?.ttl, 2)
    assert.equal(hops?.routers[0]?.from, 'fd00:9:1::1')
  })
}

/** Requests that cross nginx's FIN on a path of 80 ms, and a capture of them, explained with the experiment's result. */
async function race(): Promise<void> {
  await network.delay(DELAY_MS)
  const capture = join(folder, 'race.pcap')
  const filter = ['tcp', 'port', '8080']
  const tcpdump = network.start('client', [
    ...['tcpdump', '-i', 'eth0', '-Z', 'root', '-U', '-w', capture, ...filter],
  ])
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const out = join(folder, 'http.json')
  const words = ['--http', '/', '--max', '10s', '--requests', '5', '--race', '40', '--json']
  tcpwhy(['probe', 'http', `${SERVER}:8080`, ...words, '-o', out, '--quiet'])
  await new Promise((resolve) => setTimeout(resolve, 500))
  tcpdump.kill('SIGINT')
  await new Promise((resolve) => tcpdump.once('exit', resolve))
  const report: HttpReport = JSON.parse(readFileSync(out, 'utf8'))
  console.log(report.conclusion)
  const lost = (report.race ?? []).filter(
    ({ outcome }) => outcome === 'closed' || outcome === 'reset',
  )
  check(
    'requests that leave within a round trip of the FIN are lost, and the experiment loses some',
    () => {
      assert.ok((report.roundTripMs ?? 0) >= 2 * DELAY_MS, `${report.roundTripMs} ms`)
      assert.ok((report.race ?? []).length >= 38)
      assert.ok(lost.length >= 5, `${lost.length} lost`)
      const { closed } = report.idle!
      // The server's clock begins half a round trip before ours, and is heard of half a round trip later.
      assert.ok(closed !== null && closed.leastMs > KEPT_MS - 100)
      assert.match(report.conclusion, /were lost, sent from/)
    },
  )
  check('the packets of those are explained by it, and the result confirms it', () => {
    const text = tcpwhy([capture, '--probe', out, '--json'])
    const { findings } = JSON.parse(text)
    const [finding] = findings
    assert.equal(finding?.cause, 'keep-alive-race')
    assert.equal(finding.certainty, 'confirmed')
    const said = JSON.stringify(finding.because)
    assert.match(said, new RegExp(`of ${report.race?.length} requests .* ${lost.length} were lost`))
  })
}

/** What findings put in, so short that all of it is over soon. */
function filled(template: string): string {
  const port = template.includes('https:') ? 8443 : 8080
  const target = `${SERVER}:${port}`
  const url = `http://${target}/`
  const silence = '--max 5s --precision 1s'
  const values = { target, url, talk: url, silence, max: '5s', patience: '2s' }
  return render(template, values)
    .replace(/^sudo /, '')
    .replace(/--max \d+m/, '--max 5s')
    .replace(/--for \d+m/, '--for 3s')
}

/** Every experiment that a finding may name, as it is printed but for its times, against a server that is there. */
async function asPrinted(): Promise<void> {
  const texts = stringsIn(en).filter((text) =>
    /^(sudo )?tcpwhy probe [^']*\{(target|url|talk)\}/.test(text),
  )
  const commands = [...new Set(texts)].filter((text) => !text.includes('--mysql-ping'))
  assert.ok(commands.length >= 7, `${commands.length} commands`)
  writeFileSync(join(folder, 'tcpwhy'), `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`)
  chmodSync(join(folder, 'tcpwhy'), 0o755)
  const ran = await Promise.all(
    commands.map(async (template) => {
      const command = filled(template)
      const words = ['sh', '-c', `PATH=${folder}:$PATH ${command} --quiet`]
      return { command, ...(await network.output('client', words)) }
    }),
  )
  for (const { command, code, out, err } of ran) {
    check(`as printed: ${command}`, () => {
      assert.equal(code, 0, `${code} ${out} ${err}`)
      assert.ok(out.length > 0)
    })
  }
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}

try {
  await startNginx()
  addIpv6()
  tls()
  families()
  walks()
  await asPrinted()
  await race()
  console.log(`${checks} checks of probe connect and probe http (client ${CLIENT})`)
} finally {
  network.close()
}
