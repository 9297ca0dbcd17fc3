import type { CauseMessages } from '../types.ts'
import { survivedIdle } from './commands.ts'

export const conntrackInvalid = {
  title:
    'packets of {service} arrive from {from}, untranslated, and are reset: {connections:count} connections touched',
  because: {
    stray: '{from} sent a segment to {client}, which talks with {server} and not with that address',
    'passed-untranslated':
      'the capture shows both sides of the box that translates addresses here: a segment of {from} passed it as it was, not as one of {server}',
    'reset-by-client': 'the client answered {from} by RST: it knows no such connection',
    altered: 'the two captures show that its address was not translated back on the way',
    'died-too': 'the connection with {server} died as well',
  },
  now: [
    {
      text: 'On the translating host: accept segments outside the window until the cause is found.',
      command: 'sudo sysctl net.netfilter.nf_conntrack_tcp_be_liberal=1',
    },
  ],
  experiment: {
    command: 'tcpwhy probe load {url} --rate 20 --for 1m',
    plain: survivedIdle,
    supports:
      'some connections are reset while conntrack -S counts invalid packets on the box that translates',
    refutes: 'none is reset',
  },
  confirm: [
    {
      text: 'The count of invalid rises; the kernel can log each such segment.',
      command: 'sudo conntrack -S; sudo sysctl net.netfilter.nf_conntrack_log_invalid=6',
    },
  ],
  fix: [
    {
      text: 'Drop what conntrack calls INVALID instead of letting it through untranslated (current kube-proxy does), or be liberal about windows.',
      setting: 'net.netfilter.nf_conntrack_tcp_be_liberal',
      command: 'sudo sysctl net.netfilter.nf_conntrack_tcp_be_liberal=1',
      verify: 'sudo conntrack -S',
    },
  ],
} as const satisfies CauseMessages
