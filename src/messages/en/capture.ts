/** Sentences of `tcpwhy capture`, and the comments that it writes into captures. */
export const captureWords = {
  section: 'Captured in {target}.',
  moment: 'Trigger: {what}',
  fired: {
    'reset-burst': '{count:count} connections were reset within {withinMs:ms}, the last {last}',
    overflow:
      'a full accept queue: ListenOverflows rose by {overflows:count}, ListenDrops by {drops:count} within a second',
    'close-wait': '{count:count} sockets in CLOSE-WAIT (limit {limit:count}){holder}',
    log: '{path}: {line}',
  },
  holder: ', most of them held by {who}',
  listening: 'Capturing {what} of {target} on {interface}, filter: {filter}. Ctrl-C ends it.',
  headers: 'headers ({snapLen} octets of a packet)',
  full: 'whole packets',
  allInterfaces: 'all interfaces',
  oneInterface: 'interface {name}',
  ring: 'The last {ringMs:ms} are kept in {folder} ({maxOctets:octets} at most) until {until}.',
  untilEnd: 'it ends',
  untilTrigger: 'it ends or {triggers} fires',
  trigger: 'Trigger: {what}. Going on for {tailMs:ms}.',
  saved: '{packets:count} packets in {path} ({octets:octets})',
  analyze: '  tcpwhy {path}',
  lost: '{dropped:count} packets were lost before they could be read: what is missing may be a loss of the capture.',
  lostNone: 'No packets were lost by the capture.',
  lostUnknown: 'tcpdump did not say whether packets were lost.',
  notFired: 'No trigger fired; this is what the ring held at the end.',
  logTooSlow:
    'The pattern of --trigger log takes too long on some lines; those are passed over. Make it simpler.',
  ringCut: 'The ring holds less time than asked for: --max-size {maxOctets:octets} is full.',
  progress: '{packets:count} packets, {octets:octets}',
  ended: {
    full: 'It ended early: --max-size {maxOctets:octets} was reached.',
    'disk-full': 'It ended early: the disk is full. What was written before is whole.',
    tcpdump: 'It ended early: tcpdump did ({lastWords}).',
    tcpdumpSilent: 'It ended early: tcpdump was ended from outside.',
  },
} as const
