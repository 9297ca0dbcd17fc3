/** Sentences about what the kernel could not be asked, by the ids of EventsMissing in src/host/events.ts. */
export const eventWords = {
  missing: '{what}: {why} Without it: {adds}.',
  why: {
    'not-linux': 'This is no Linux ({detail}).',
    'not-mounted':
      'tracefs is not mounted, and mounting it for this process alone failed ({detail}); that takes Linux 5.2, root with CAP_SYS_ADMIN and the package koffi. Or, as root: mount -t tracefs tracefs /sys/kernel/tracing.',
    denied:
      '{detail} is for root. Run with sudo; in a container, as root of the host with CAP_SYS_ADMIN.',
    lockdown:
      'This kernel is locked down (confidentiality), which closes tracing to root too ({detail}). Nothing but a boot without it helps.',
    'no-instance': 'This kernel has no trace instances ({detail}); they came with Linux 3.10.',
    'no-event': 'The kernel ({detail}) has no such event.',
    'no-reasons': 'The kernel ({detail}) does not tell reasons.',
    'few-reasons':
      'The kernel ({detail}) tells reasons only of resets that answer a packet, as before Linux 6.12.',
    'no-filter': 'The kernel refused the filter ({detail}); unfiltered it would cost too much.',
    'no-clock': 'The kernel does not offer CLOCK_MONOTONIC to traces.',
    failed: 'It failed ({detail}).',
  },
  adds: {
    everything: 'resets with their reason and process, retransmissions, drops, failed calls',
    'reset-reasons': 'why this host resets a connection',
    'resets-sent': 'resets that this host sends',
    'resets-received': 'resets that this host receives, with their sockets',
    states: 'connections that end without an exchange of FINs, listeners that come and go',
    errors: 'errors that sockets report to their programs',
    retransmissions: 'segments that are sent again',
    'handshake-retransmissions': 'SYN-ACKs that are sent again',
    drops: 'packets that the kernel drops, and why',
    'failed-calls': 'accept, connect and socket calls that fail, and whose they are',
    'dying-processes': 'whether a process was ending when it reset a connection',
    times: 'the times of events beside those of captures',
  },
} as const
