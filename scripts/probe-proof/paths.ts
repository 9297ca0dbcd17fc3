// Every way in which a path may forget or close idle connections, made for real.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CLIENT, type Network, ROUTER, SERVER } from './network.ts'

export interface Path {
  id: string
  flavour: 'silent' | 'reset' | 'fin'
  by: readonly ('server' | 'middlebox' | 'unknown')[]
  /** TCP keepalive restarts its clock. */
  heedsKeepalive: boolean
  /** Its clock has whole seconds only. */
  wholeSeconds?: true
  /** Ways to ask that have this limit; others would meet another one. */
  says: readonly ('http' | 'octet' | 'nothing')[]
  /** Where the client connects to. */
  address: string
  build(network: Network, limitMs: number): Promise<void>
}

const PORT = 8080
const ANY = ['http', 'octet', 'nothing'] as const
const serverScript = fileURLToPath(new URL('./server.mjs', import.meta.url))

export const paths: readonly Path[] = [
  conntrack('conntrack-drop', 'silent', 'drop'),
  conntrack('conntrack-reset', 'reset', 'reject with tcp reset'),
  timedSet('any-packet-drop', 'silent', 'drop', true),
  timedSet('any-packet-reset', 'reset', 'reject with tcp reset', true),
  timedSet('data-only-drop', 'silent', 'drop', false),
  timedSet('data-only-reset', 'reset', 'reject with tcp reset', false),
  program('server-fin', 'fin', ANY, (network, limitMs) => small(network, ['fin', String(limitMs)])),
  program('server-reset', 'reset', ANY, (network, limitMs) =>
    small(network, ['reset', String(limitMs)]),
  ),
  program('nginx', 'fin', ['http'], nginx),
  program('haproxy', 'fin', ['http'], haproxy),
  { ...program('proxy-on-the-way', 'fin', ['http', 'nothing'], proxy), address: ROUTER },
]

/** The kernel's own connection tracking: what carried nothing for so long is no longer ESTABLISHED, and its next packet invalid. */
function conntrack(id: string, flavour: Path['flavour'], verdict: string): Path {
  return {
    ...box(id, flavour, true),
    wholeSeconds: true,
    async build(network, limitMs) {
      await small(network, [])
      network.run(
        'router',
        ['nft', '-f', '-'],
        `table ip box { chain passing {
        type filter hook forward priority 0; policy accept;
        ct state invalid ${verdict}
        ct state new tcp flags & (syn|ack) != syn ${verdict}
        }
      }`,
      )
      const sysctl = 'net.netfilter.nf_conntrack_tcp'
      const seconds = Math.round(limitMs / 1000)
      network.run('router', ['sysctl', '-qw', `${sysctl}_timeout_established=${seconds}`])
      network.run('router', ['sysctl', '-qw', `${sysctl}_loose=0`])
    },
  }
}

/** A table of live connections with a clock each, as load balancers have: to the millisecond, restarted by any packet or by data. */
function timedSet(id: string, flavour: Path['flavour'], verdict: string, any: boolean): Path {
  const there = 'ip saddr . tcp sport . ip daddr . tcp dport'
  const back = 'ip daddr . tcp dport . ip saddr . tcp sport'
  // 20 octets of IP, 20 of TCP and 12 of timestamps: more is data.
  const counts = any ? '' : 'ip length > 52'
  return {
    ...box(id, flavour, any),
    async build(network, limitMs) {
      await small(network, [])
      network.run(
        'router',
        ['nft', '-f', '-'],
        `table ip box {
        set live { type ipv4_addr . inet_service . ipv4_addr . inet_service
          flags dynamic,timeout; size 4096; timeout ${limitMs}ms; }
        chain passing { type filter hook forward priority 0; policy accept;
          ip protocol != tcp accept
          ip saddr ${CLIENT} tcp flags & (syn|ack) == syn add @live { ${there} } accept
          ip saddr ${CLIENT} ${there} != @live ${verdict}
          ip saddr ${CLIENT} ${counts} update @live { ${there} }
          ip daddr ${CLIENT} ${back} != @live drop
          ip daddr ${CLIENT} ${counts} update @live { ${back} }
        }
      }`,
      )
    },
  }
}

function box(id: string, flavour: Path['flavour'], heedsKeepalive: boolean) {
  return { id, flavour, heedsKeepalive, by: ['middlebox'], says: ANY, address: SERVER } as const
}

function program(
  id: string,
  flavour: Path['flavour'],
  says: Path['says'],
  build: Path['build'],
): Path {
  return { id, flavour, by: ['server'], heedsKeepalive: false, says, address: SERVER, build }
}

async function small(network: Network, words: readonly string[]): Promise<void> {
  network.start('server', [process.execPath, serverScript, String(PORT), ...words])
  await network.listening('server', PORT)
}

async function nginx(network: Network, limitMs: number): Promise<void> {
  const file = join(network.folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${network.folder}/${name};`)
    .join(' ')
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${network.folder}/pid; error_log ${network.folder}/error.log;
    events {} http { access_log off; ${temporary} keepalive_timeout ${limitMs}ms;
      server { listen ${PORT}; location / { return 200 "ok"; } } }`,
  )
  network.start('server', ['nginx', '-c', file])
  await network.listening('server', PORT)
}

async function haproxy(network: Network, limitMs: number): Promise<void> {
  await startHaproxy(
    network,
    'server',
    `
    defaults
      mode http
      timeout connect 5s
      timeout server 1h
      timeout client 1h
      timeout http-keep-alive ${limitMs}ms
    frontend web
      bind :${PORT}
      http-request return status 200 content-type text/plain string ok`,
  )
}

/** It answers handshakes itself, so that it is "the server" for whoever connects. */
async function proxy(network: Network, limitMs: number): Promise<void> {
  await small(network, [])
  await startHaproxy(
    network,
    'router',
    `
    defaults
      mode tcp
      timeout connect 5s
      timeout server ${limitMs}ms
      timeout client ${limitMs}ms
    listen through
      bind :${PORT}
      server one ${SERVER}:${PORT}`,
  )
}

async function startHaproxy(
  network: Network,
  place: 'router' | 'server',
  text: string,
): Promise<void> {
  const file = join(network.folder, 'haproxy.cfg')
  writeFileSync(file, `global\n  maxconn 2000\n${text.replace(/^ {4}/gm, '')}\n`)
  network.start(place, ['haproxy', '-db', '-f', file])
  await network.listening(place, PORT)
}
