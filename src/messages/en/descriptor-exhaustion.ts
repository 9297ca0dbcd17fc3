import type { CauseMessages } from '../types.ts'

export const descriptorExhaustion = {
  title: 'the process behind {server} has no descriptors left',
  because: {},
  now: [
    {
      text: 'Raise the limit of the running process, and keep the list of what is open.',
      command: 'prlimit --pid PID --nofile=65535:65535; ls -l /proc/PID/fd > /tmp/fd.txt',
    },
  ],
  confirm: [
    {
      text: 'Open descriptors stand at the limit; accept4 fails with EMFILE.',
      command: "ls /proc/PID/fd | wc -l; grep 'open files' /proc/PID/limits",
    },
  ],
  fix: [
    {
      text: 'Find what holds them: a leak (CLOSE-WAIT), or requests that wait for a pool. Then raise the limit: systemd LimitNOFILE=, docker --ulimit nofile, nginx worker_rlimit_nofile.',
      setting: 'LimitNOFILE',
      verify: "grep 'open files' /proc/PID/limits",
    },
  ],
} as const satisfies CauseMessages
