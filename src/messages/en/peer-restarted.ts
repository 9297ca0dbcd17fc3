import type { CauseMessages } from '../types.ts'
import { resetReasons, survivedIdle } from './commands.ts'
import { silenceSays } from './experiments.ts'

export const peerRestarted = {
  title:
    '{server} no longer knew {connections:count} connections: it restarted or lost its state{moved?, or what stands before it (NAT, balancer) did|}',
  because: {
    ...silenceSays,
    'unknown-to-it':
      '{times:count} times a segment of the client was answered by a bare RST of the server (TTL {ttl}), no FIN before, after {silence:ms} of silence',
    'was-down': '{host} did not take new connections in between',
    'one-moment':
      'all {times:count} can have been lost in one moment before {at:time}: each was fine earlier and unknown later',
    'not-idle':
      'one had been silent for only {silence:ms} (longest silence that survived: {survived:ms}): too short for an idle limit',
    'idle-alike':
      'it came after {silence:ms} of silence: a middlebox that forgot the connection and lets the segment through changed looks the same',
    back: '{server} answered other connections afterwards: it is there, and knows only the new ones',
    'own-rule':
      'a rule of the firewall on the server itself (REJECT with tcp-reset) sends the same resets: nobody was answered afterwards',
    'others-lived': 'an older connection to {server} went on afterwards: not everything was lost',
    'not-captured':
      '{missing:octets} of the server that the client acknowledged are not in the capture: its FIN may be missing too',
    'sent-by-server': 'the capture at the server shows that it sent the reset itself',
    'perhaps-moved':
      'a NAT on the way that forgot its translations, or a balancer that chose another server, ends connections in the same way: a capture at {host} then has the segment under another port or address',
    'ttl-rare':
      'most packets of the server have TTL {usual}, and only few the TTL {ttl} of the reset: a box that answers in its name (a SYN proxy) may have sent it',
    'ttl-only': 'that the server itself sent it rests on the TTL {ttl} alone',
  },
  now: [
    {
      text: 'Old connections fail once each at their next use and recover: empty the pools of clients that hold such connections.',
    },
  ],
  experiment: {
    command: survivedIdle,
    supports: 'longer silences than these had are survived: only a lost state explains it',
    refutes: 'connections die after about that silence: a hop, or a limit of the server',
  },
  confirm: [
    {
      text: 'On {host}: when did the host and the process start? Was the address moved to another machine?',
      command: "uptime -s; last -x reboot | head -3; ss -ltnp 'sport = :{port}'",
    },
    {
      text: 'Was a NAT or balancer on the way restarted or its table flushed then, or did a service get other endpoints?',
      command: 'sudo conntrack -S; kubectl get endpointslices --watch',
    },
    {
      text: 'The kernel gives TCP_FLAGS (port listens again) or NO_SOCKET (it does not) as the reason of such resets.',
      command: resetReasons,
    },
  ],
  fix: [
    {
      text: 'Clients: keep-alive on pooled connections and a test before use, so that a dead one is found before a request is lost.',
      setting: 'net.ipv4.tcp_keepalive_time',
      verify: 'ss -tno dst {host}',
    },
    {
      text: 'Server: stop it so that it can send FIN (graceful shutdown before reboot or fail-over), and find out what restarted it.',
    },
  ],
} as const satisfies CauseMessages
