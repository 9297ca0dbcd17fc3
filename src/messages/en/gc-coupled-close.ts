import type { CauseMessages } from '../types.ts'
import { ages } from './commands.ts'

export const gcCoupledClose = {
  title:
    '{client} closes idle connections in bursts ({bunches} bursts, {connections:count} connections): perhaps its garbage collector',
  because: {
    bunch:
      '{count:count} connections idle for {idle:ms} or more were closed within {within:ms} at {at:time}',
    'no-gc-log':
      'the capture alone shows only that the closes bunch; a timer or a deployment would look the same',
  },
  now: [
    {
      text: 'A collection releases what is held, and destroys the evidence as a restart does: first save the sockets and a heap dump.',
      command: 'ss -tanpo; jcmd PID GC.heap_dump /tmp/before.hprof',
    },
  ],
  experiment: {
    ...ages,
    supports: 'the server keeps idle connections for longer than that: the client ends them',
    refutes: 'the server closes them at about that age',
  },
  confirm: [
    {
      text: 'Compare the times with the GC log; without one, turn it on at run time.',
      command: 'jcmd PID VM.log output=file=/tmp/gc.log what=gc*=info decorators=time,level',
    },
    {
      text: 'Ask for a collection and watch: the sockets go at that moment.',
      command: 'jcmd PID GC.run; ss -tan state close-wait | wc -l',
    },
  ],
  fix: [
    {
      text: 'Close in the scope that opens: Java try-with-resources around response and stream, one shared client instead of one per request, EntityUtils.consume(entity); Go defer resp.Body.Close() (linter bodyclose); Node await res.body.cancel(); Python with; .NET using.',
      verify: 'ss -tan state close-wait | wc -l',
    },
  ],
} as const satisfies CauseMessages
