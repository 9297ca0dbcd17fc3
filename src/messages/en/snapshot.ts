/** What `tcpwhy snapshot` says. */
export const snapshotWords = {
  written: '{name} ({size})',
  standardOutput: 'written to standard output',
  partial: 'partial: {why}',
  leftOut: 'left out: {what} ({why})',
  redacted: 'Addresses and host names are stand-ins, the same ones throughout this bundle.',
  next: 'Next: tcpwhy diagnose {name}',
  finish: 'to write what there is',
} as const
