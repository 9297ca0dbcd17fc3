import type { TraceTask } from '../../host/events.ts'
import { type HostFiles, readOrNull } from '../../host/host-files.ts'

const FOR_TASK_MS = 5_000
const MAX_TASKS = 10_000

/** Who a thread is, asked once in a while. */
export class Tasks {
  private readonly known = new Map<number, { task: TraceTask | null; until: number }>()
  private readonly host: HostFiles

  constructor(host: HostFiles) {
    this.host = host
  }

  of(tid: number): TraceTask | null {
    const known = this.known.get(tid)
    const now = this.host.nowMs()
    if (known !== undefined && now < known.until) return known.task
    const task = this.read(tid) ?? known?.task ?? null
    if (this.known.size < MAX_TASKS) this.known.set(tid, { task, until: now + FOR_TASK_MS })
    return task
  }

  all(): Record<number, TraceTask> {
    const all: Record<number, TraceTask> = {}
    for (const [tid, { task }] of this.known) if (task !== null) all[tid] = task
    return all
  }

  /** By its process: a thread may be called anything, as "Finalizer" is in Java. */
  private read(tid: number): TraceTask | null {
    const thread = this.status(tid)
    if (thread === null || thread.pid === null || thread.pid === tid) return thread
    return this.status(thread.pid) ?? thread
  }

  private status(id: number): TraceTask | null {
    const status = readOrNull(this.host.text(`/proc/${id}/status`))
    const command = /^Name:\t(.*)$/m.exec(status ?? '')?.[1]
    const pid = /^Tgid:\t(\d+)$/m.exec(status ?? '')?.[1]
    return command === undefined ? null : { command, pid: pid === undefined ? null : Number(pid) }
  }
}
