import type { CauseMessages } from '../types.ts'

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
  },
  now: [
    {
      text: 'On {reader}: which process does not read (Recv-Q full), and what is it doing?',
      command: "ss -tanpoi '( sport = :{port} or dport = :{port} )'",
    },
  ],
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
} as const satisfies CauseMessages
