import type { CauseMessages } from '../types.ts'
import { uploads } from './commands.ts'

export const zeroWindowStall = {
  title:
    '{ofServer?{server}|{reader}} does not read: {connections:count} connections {ofServer?|with {server} }stood still at window 0 (up to {stalled:ms})',
  because: {
    closed:
      'the {who} announced window 0 {times:count} times, {for:ms} in all: its receive buffer was full',
    probes:
      'the {who} could only probe ({count:count} times); the kernel answered, so the network is well',
    'still-closed': 'the window of the {who} never opened again before the end',
    'gave-up': 'then the {who} gave up and reset the connection',
    recovered: 'the window opened again and the transfer went on',
    'buffer-full':
      '{count:count} connections whose receive buffer holds {octets:octets} that the process has not read for {stalled:ms}',
    persist:
      'the kernel has probed a closed window of {count:count} connections for all of {for:ms}',
  },
  now: [
    {
      text: 'On {reader}: which process does not read (Recv-Q full), and what is it doing?',
      command: "ss -tanpoi '( sport = :{port} or dport = :{port} )'",
    },
  ],
  experiment: {
    ...uploads,
    supports:
      'the server does not take long bodies to their end (timeout): it is who does not read',
    refutes: 'bodies are taken and answers come whole: look at the reader of those connections',
  },
  confirm: [
    {
      text: 'Recv-Q on {reader} stands near its buffer size; on the other side ss shows timer:(persist).',
      command: "ss -tnmpo '( sport = :{port} or dport = :{port} )'",
    },
  ],
  fix: [
    {
      text: 'Let the application read, or close: a blocked consumer, a full queue behind it, a stopped process, backpressure without an end. Stacks of the process show where it waits.',
    },
    {
      text: 'Bound the wait on the sending side: Linux probes for ever while the peer answers. TCP_USER_TIMEOUT, a write deadline (Go SetWriteDeadline), nginx send_timeout, HAProxy timeout client.',
      setting: 'TCP_USER_TIMEOUT',
    },
  ],
  machine: {
    title:
      '{who} (pid {pid}) does not read what {server} sends: {connections:count} connections stand still with a full receive buffer',
    confirm: [
      { text: 'Recv-Q of these sockets does not shrink.', command: "ss -tmpn 'dport = :{port}'" },
    ],
    variants: {
      'peer-does-not-read': {
        title:
          '{reader} does not read: {connections:count} connections with {server} stand still at window 0, seen from {of}',
        confirm: [
          {
            text: 'The timer is persist and Send-Q does not shrink here; look at the process at {reader}.',
            command: "ss -tnop '( sport = :{port} or dport = :{port} )'",
          },
        ],
      },
    },
  },
} as const satisfies CauseMessages
