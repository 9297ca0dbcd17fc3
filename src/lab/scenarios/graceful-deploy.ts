import type { Scenario } from '../types.ts'
import { playDeploy } from './rolling-deploy.ts'

export const gracefulDeploy: Scenario = {
  id: 'graceful-deploy',
  title: 'The same deploy as rolling-deploy, done well: drained first',
  kind: 'healthy',
  author: 'fresh-eyes',
  packages: ['haproxy'],
  signals: ['requests answered', 'requests failed', 'server ESTABLISHED', 'server TcpOutRsts'],
  variants: [
    {
      id: 'drained',
      title: 'A backend leaves and comes back, and nobody notices',
      expects: { verdict: 'healthy', cause: null },
      fault: 'None.',
      fix: null,
      isProxied: true,
    },
  ],
  reproduce: (stage) => playDeploy(stage, true),
}
