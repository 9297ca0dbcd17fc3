import type { CommandSpec } from '../spec.ts'
import { analyze } from './analyze.ts'
import { capture } from './capture.ts'
import { diagnose } from './diagnose.ts'
import { explain } from './explain.ts'
import { labList, labRun, labScore } from './lab.ts'
import { probeBacklog } from './probe-backlog.ts'
import { probeConnect } from './probe-connect.ts'
import { probeHttp } from './probe-http.ts'
import { probeIdle } from './probe-idle.ts'
import { probeLoad } from './probe-load.ts'
import { queue } from './queue.ts'
import { snapshot } from './snapshot.ts'

/** What can be typed after `tcpwhy`, sorted by name. */
export const commands: readonly CommandSpec[] = [
  analyze,
  capture,
  diagnose,
  explain,
  labList,
  labRun,
  labScore,
  probeBacklog,
  probeConnect,
  probeHttp,
  probeIdle,
  probeLoad,
  queue,
  snapshot,
]
