/** Several hosts in one report. */
export const hostWords = {
  likewise: '{title} (on {host}; likewise on {others})',
  andMore: '{names} and {more} more',
  heading: 'Between the hosts',
  groups: 'something is wrong on {sick}; nothing on {healthy}',
  nobody: 'none of them',
  peer: 'all sick hosts wait for {peer}: {hosts}',
  peerHost: '{host} in {waiting} of {connections} connections, up to {longest:ms}',
  separates: '{what} parts them: {values}',
  differs: '{what} differs: {values}',
  value: '{host} {value}',
  client: '{client} has {hosts}',
  clientHost: '{established} at {host} ({timersOff} without a timer, {keepalive} with keepalive)',
} as const
