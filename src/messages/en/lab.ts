/** Sentences of `tcpwhy lab`; what a scenario says of itself is in its own file. */
export const labWords = {
  phase: {
    reproduce: 'Making it happen',
    analyze: 'Blind diagnosis: the captures are looked at, and nothing else is told',
    fix: 'The same again, with the fix',
  },
  headline: {
    asExpected: '{scenario} ({variant}): reproduced, and named: {cause}',
    asExpectedHarmless: '{scenario} ({variant}): nothing is wrong, and nothing else is said',
    andFixed: '; with the fix it is gone',
    notReproduced: '{scenario} ({variant}): could not be reproduced this time',
    otherCause:
      '{scenario} ({variant}): reproduced, but {found} is named where {cause} is the cause',
    notFixed: '{scenario} ({variant}): the fix did not take it away',
  },
  nothing: 'nothing wrong',
  heading: {
    fault: 'What was done',
    symptom: 'What happened',
    concluded: 'What was concluded, blind, from',
    kernel: "The kernel's own reasons for the resets that it sent (tcp:tcp_send_reset)",
    fix: 'Before and after the fix',
    faults: 'What was odd',
  },
  evidence: {
    client: "the client's capture",
    server: "the server's capture",
    both: 'both captures',
    live: 'the live server',
  },
  judged: {
    right: 'right',
    variant: 'right cause, other variant',
    enough: 'right as far as it can be seen',
    undecided: 'undecided',
    unseen: 'nothing to be seen there',
    wrong: 'WRONG',
  },
  noResets: 'None: no RST was built by the TCP stack.',
  noTracing:
    'Not known: this kernel has no tracepoint tcp:tcp_send_reset, or it may not be used here.',
  reason: '{count} x {reason} in {state}, {where}',
  inProcess: 'by process {process}',
  inInterrupt: 'on arrival of a packet',
  before: 'before',
  after: 'after',
  fixIs: 'Fix: {fix}',
  took: 'Took {seconds} s.',
  list: {
    incidents: 'The five incidents',
    neighbours: 'What must not be confused with them',
    healthy: 'What looks like trouble and is none',
    run: 'tcpwhy lab run ID [--variant V] plays the first variant, or V. Each needs root and takes at most 90 s a performance.',
  },
  failure: 'failure: {text}',
} as const
