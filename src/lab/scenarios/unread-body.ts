import { mkdirSync, writeFileSync } from 'node:fs'
import { programPath } from '../programs.ts'
import { javaClasses } from '../servers/cache.ts'
import { startNginx } from '../servers/nginx.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'

const LARGE = 10_000_000
const SMALL = 4000
const SECONDS = 10

const expects = {
  verdict: 'problem',
  cause: 'close-with-unread-data',
  variant: 'unread-response',
  consequences: ['gc-coupled-close'],
} as const
const fix = 'Ask with HEAD, and close: there is no body to leave behind.'

export const unreadBody: Scenario = {
  id: 'unread-body',
  title: 'The client reads the header and leaves the rest',
  kind: 'incident',
  packages: ['nginx-light'],
  signals: [
    'client ESTABLISHED',
    'client CLOSE-WAIT',
    'client TcpExtTCPAbortOnClose',
    'client TcpOutRsts',
  ],
  variants: [
    {
      id: 'java',
      title: 'HttpURLConnection.getLastModified(), closed by the garbage collector',
      expects,
      fault: `A Java client asks a file server when files were modified and reads nothing of the body (${LARGE} and ${SMALL} octets in turn); the collector closes its connections.`,
      fix,
      packages: ['openjdk-17-jdk-headless'],
    },
    {
      id: 'node',
      title: 'fetch() in Node, the body not consumed',
      expects,
      fault: 'The same with fetch (undici): the response is dropped with its body unread.',
      fix,
    },
    {
      id: 'python',
      title: 'urlopen() in Python, the object in a cycle',
      expects,
      fault:
        'The same with urllib; the response is part of a cycle, so only the collector closes it.',
      fix,
    },
  ],
  reproduce: (stage, variant) => play(stage, variant, false),
  fix: (stage, variant) => play(stage, variant, true),
}

async function play(stage: Stage, variant: string, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const files = stage.path('files')
  mkdirSync(files)
  writeFileSync(`${files}/large.jar`, Buffer.alloc(LARGE, 'x'))
  writeFileSync(`${files}/small.jar`, Buffer.alloc(SMALL, 'x'))
  await startNginx(stage, stage.server, { location: `root ${files};`, keepaliveTimeoutS: 60 })
  await stage.tapEnds({ snap: 256 })
  const urls = ['large', 'small'].map((name) => `http://${stage.server.address}/${name}.jar`)
  const argv = [
    ...(await program(stage, variant)),
    String(SECONDS),
    fixed ? 'fixed' : 'faulty',
    ...urls,
  ]
  stage.step(
    `${variant} asks for ${SECONDS} s when a large and a small file were modified${fixed ? ', with HEAD' : ''}`,
  )
  stage.markWhen(
    'the collector closes connections with unread data',
    (s) => (s['client TcpExtTCPAbortOnClose'] ?? 0) > 0,
  )
  const client = await stage.client.spawn(argv, { log: 'client.log' })
  const looked = stage.sleep(4000).then(() => stage.look('client'))
  await stage.until('the client has ended', () => client.exitCode() !== null, 45_000)
  await looked
  return outcome(stage)
}

async function program(stage: Stage, variant: string): Promise<string[]> {
  if (variant === 'node') return [process.execPath, '--expose-gc', programPath('unread-body.mjs')]
  if (variant === 'python') return ['python3', programPath('unread_body.py')]
  const classes = await javaClasses('UnreadBody')
  return [
    'java',
    '-Xmx64m',
    '-XX:+UseSerialGC',
    `-Xlog:gc:file=${stage.path('gc.log')}`,
    '-cp',
    classes,
    'UnreadBody',
  ]
}

function outcome(stage: Stage): Outcome {
  const sample = stage.sampleNow()
  const of = (name: string) => sample[name] ?? 0
  const aborts = of('client TcpExtTCPAbortOnClose')
  return {
    failing: aborts > 0,
    symptom: `the client's kernel sent ${of('client TcpOutRsts')} resets, ${aborts} of them because something was closed unread`,
    measures: [
      { name: 'closed with unread data (TCPAbortOnClose)', value: aborts },
      { name: 'resets that the client sent', value: of('client TcpOutRsts') },
      { name: 'connections that broke at the server', value: of('server TcpEstabResets') },
    ],
  }
}
