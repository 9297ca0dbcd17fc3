import type { CauseMessages } from '../types.ts'
import { ages, resetReasons } from './commands.ts'

export const lingerZero = {
  title:
    '{ofServer?{server}|{culprit}} ends {connections:count} connections {ofServer?|with {server} }by reset{cut?, its answer not through| although everything was read and sent}',
  because: {
    'perhaps-unread':
      'an answer like {status} can be given without reading the request, and as few octets unread do not show in the window',
    'reset-without-fin':
      'the {who} reset the connection of its own accord {after:ms} after the last data, without FIN, nothing unread',
    'reset-perhaps-unread':
      'the {who} reset the connection of its own accord {after:ms} after the last data, without FIN',
    'window-lower':
      'its window was {lower:octets} below its largest, about as much as it had received ({received:octets}): close() with unread data looks the same',
    'only-reset':
      'all that was seen of it is such a reset of the {who}: it was idle since before the capture began',
    'before-unseen': 'what was unread or unsent before the capture began cannot be seen',
    systematic:
      '{count:count} of {of:count} connections end so: a setting of the {who}, not an accident',
    lost: '{octets:octets} had not been acknowledged when it reset: they are lost',
    truncated: 'its own answer was announced longer than it came: the client has lost the rest',
    'unread-unknown': 'whether something was unread cannot be seen: its window was not told',
    'one-moment':
      'all {count:count} came in one moment, after a silence: somebody (ss -K) or something ended them together, which a setting does not',
    single: 'too few connections end so to call it systematic',
    idle: 'the reset came after {idle:ms} of silence: an idle limit or an administrator is as well possible',
    'kernel-said':
      'the kernel says {reason} for {count:count} resets that the process made by closing',
    'client-told': 'the other ends of {count:count} of them are on this host, and got ECONNRESET',
    'client-open':
      '{count:count} of them were still open at the client: its next read or write fails with "connection reset by peer", and what was on the way to it is lost',
    'client-had-closed':
      'the clients of {count:count} of them had closed before: they miss nothing',
    'client-unknown':
      'whether the clients of {count:count} of them had closed before is not told by this kernel',
    'or-else': 'it may have been as well: {others}',
  },
  now: [
    {
      text: 'Ask whether octets are missing at the receiver. If answers are cut, roll back the setting; if not, it is noise and can wait.',
    },
  ],
  experiment: {
    ...ages,
    supports: 'the server ends connections by RST, with all that was said read and answered',
    refutes:
      'it ends them by FIN: its program does not; look at the other end, or at who kills them',
  },
  confirm: [
    {
      text: 'The kernel of {culprit} says TCP_STATE for these resets, and TcpExtTCPAbortOnData rises (TCPAbortOnClose would mean unread data).',
      command: resetReasons,
    },
    {
      text: 'The program is named by its system call.',
      command:
        "strace -f -e trace=setsockopt -p PID 2>&1 | grep 'SO_LINGER, {l_onoff=1, l_linger=0}'",
    },
  ],
  fix: [
    {
      text: 'Remove the option and close normally. Go tcpConn.SetLinger(0); Java socket.setSoLinger(true, 0), Netty ChannelOption.SO_LINGER; Node socket.resetAndDestroy(); Python setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0)); nginx reset_timedout_connection; HAProxy option nolinger.',
      setting: 'SO_LINGER',
      verify: 'nstat -az TcpExtTCPAbortOnData',
    },
    {
      text: 'Towards its servers HAProxy does so by itself, and MariaDB when it ends idle sessions: harmless if the peer had nothing to say; otherwise raise wait_timeout or let the pool close first.',
    },
  ],
  machine: {
    title:
      '{who} (pid {pid}) ends {connections:count} connections with {server} by reset: SO_LINGER with 0 s',
  },
} as const satisfies CauseMessages
