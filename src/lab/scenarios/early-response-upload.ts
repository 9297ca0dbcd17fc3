import type { Got } from '../stage/puppet.ts'
import type { Stage } from '../stage/stage.ts'
import type { Outcome, Scenario } from '../types.ts'
import { victims } from './neighbours.ts'

export const earlyResponseUpload: Scenario = {
  id: 'early-response-upload',
  title: 'A server answers an upload before it has read it, and closes',
  kind: 'neighbour',
  packages: [],
  signals: ['server TcpExtTCPAbortOnClose', 'server TcpOutRsts'],
  variants: [
    {
      id: 'too-large',
      title: '413 and close()',
      expects: {
        verdict: 'problem',
        cause: 'close-with-unread-data',
        variant: 'early-response-upload',
      },
      fault:
        'The server reads the head of a POST of 3,000,000 octets, answers 413 and closes with the rest unread.',
      fix: 'It reads the body to its end before it closes.',
    },
  ],
  reproduce: (stage) => play(stage, false),
  fix: (stage) => play(stage, true),
}

async function play(stage: Stage, fixed: boolean): Promise<Outcome> {
  await stage.lay('client', 'server')
  const [client, server] = await Promise.all([stage.puppet('client'), stage.puppet('server')])
  await stage.relay(3)
  const refuse = { status: '413 Content Too Large', close: true, leaveBody: !fixed, waitS: 0.012 }
  await server.do({
    op: 'serve',
    as: 'upload',
    port: 80,
    paths: { '/large': refuse, '/small': { status: '201 Created' } },
  })
  await stage.tapEnds({ snap: 200 })
  stage.step('five large uploads, small ones beside them')
  stage.look()
  const post = { op: 'once', host: stage.server.address, port: 80, timeout: 10 }
  const got: Got[] = []
  for (let n = 0; n < 5; n++) {
    got.push(await client.try({ ...post, path: '/large', upload: 3_000_000 }))
    await client.do({ ...post, path: '/small', upload: 2000 })
    await stage.sleep(100)
  }
  return victims(got, 'large uploads')
}
