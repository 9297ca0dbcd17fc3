/** What the disks of a host have left and do. */
export const diskWords = {
  space: 'Disk space: {parts}',
  left: '{at} {available:octets} of {size:octets} left',
  io: 'Disks, a second: {parts}',
  device:
    '{device} {reads} reads ({octetsRead:octets}), {writes} writes ({octetsWritten:octets}), busy {busyPercent} %',
  notices: {
    'disk-full':
      'The file system at {at} ({type}) is full: {available:octets} of {size:octets} are left. Programs that cannot write there (logs, data, sockets, temporary files) fail or stop answering, which looks like a fault of the network',
    'disk-nearly-full':
      'The file system at {at} ({type}) is nearly full: {available:octets} of {size:octets} are left',
    'inodes-used-up':
      'The file system at {at} ({type}) has {free:count} of {inodes:count} inodes left: no new file can be made there, whatever space is free',
  },
} as const
