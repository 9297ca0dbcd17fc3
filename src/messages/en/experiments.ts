// What experiments of tcpwhy probe add to a finding, in the words of several causes.

/** How far it is from the packets in time. */
export const apartSays = {
  'experiment-before':
    'the experiment was made {apart:ms} before these packets: what it met may have changed',
  'experiment-after':
    'the experiment was made {apart:ms} after these packets: what it met may have changed',
} as const

/** Of `probe connect` to the same address and port. */
export const connectSays = {
  ...apartSays,
  'connect-refused': 'tcpwhy probe connect was refused too, by whom was not watched',
  'connect-refused-by-host':
    'tcpwhy probe connect was refused too, by a RST from as far away as the host itself',
  'connect-refused-nearer':
    'tcpwhy probe connect was refused by a RST that came from a nearer hop than the one that SYNs have to reach',
  'connect-filtered': 'SYNs of tcpwhy probe connect got no answer within {lasted:ms}',
  'connect-unreachable': 'tcpwhy probe connect found it unreachable',
  'connect-icmp': 'SYNs of tcpwhy probe connect were answered with ICMP by {from}',
  'connect-reset-in-handshake': 'the handshake of tcpwhy probe connect was reset',
  'connect-taken': 'when tcpwhy probe connect tried, the handshake was done',
  'connect-served': 'when tcpwhy probe connect tried, it was served',
  'connect-never-served':
    'tcpwhy probe connect got its handshake and the acknowledgement of its request, but no answer in {lasted:ms}',
  'connect-closed-unserved':
    'tcpwhy probe connect was taken, and its request closed without an answer',
  'connect-reset-unserved': 'tcpwhy probe connect was taken, and its request answered by RST',
  'connect-tls-failed': 'the TLS handshake of tcpwhy probe connect failed',
  'connect-not-acknowledged':
    'tcpwhy probe connect got its SYN-ACK, but its request was never acknowledged',
} as const

/** Of `probe backlog`. */
export const backlogSays = {
  'burst-overflowed':
    'tcpwhy probe backlog filled it: its kernel counted {overflows:count} overflows with up to {connections:count} connections at once',
  'burst-syn':
    'in bursts {took:count} connections at once were taken; of {connections:count}, {count:count} SYNs had no answer or a late one (tcpwhy probe backlog)',
  'burst-reset':
    'in bursts {took:count} connections at once were taken; of {connections:count}, {count:count} were reset (tcpwhy probe backlog)',
  'burst-ack':
    'in bursts {took:count} connections at once were served; of {connections:count}, {count:count} got no answer after their handshake (tcpwhy probe backlog)',
  'burst-taken':
    'tcpwhy probe backlog contradicts it: {connections:count} connections at once were all served, none late',
} as const

/** Of `probe load`. */
export const loadSays = {
  ...apartSays,
  'load-connect-refused':
    'tcpwhy probe load met it too: {count:count} of {begun:count} requests were refused',
  'load-connect-timeout':
    'tcpwhy probe load met it too: {count:count} of {begun:count} requests got no SYN-ACK',
  'load-receive-timeout':
    'tcpwhy probe load met it too: {count:count} of {begun:count} requests were taken and not answered in time',
} as const

/** Of `probe http --post`. */
export const uploadSays = {
  ...apartSays,
  'uploads-lost':
    'tcpwhy probe http sent {tried:count} bodies: the answers to {count:count} were lost to a RST',
  'uploads-stuck':
    'tcpwhy probe http had short requests answered, and no answer in time to {count:count} of {tried:count} long bodies',
  'uploads-answered': 'tcpwhy probe http sent {tried:count} bodies, and each answer came whole',
} as const

/** Of `probe idle`, where no silence is the cause. */
export const silenceSays = {
  ...apartSays,
  'silence-survived':
    'a connection of tcpwhy probe idle was silent for {survived:ms} and still worked, longer than the {silence:ms} here: no limit of time ended these',
  'silence-died':
    'connections of tcpwhy probe idle died after {died:ms} of silence, and these were silent for {silence:ms}: it may have been that limit',
} as const
