import { TcpwhyError } from '../../base/errors.ts'

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped())
    const timer = setTimeout(done, ms)
    function done() {
      signal?.removeEventListener('abort', gone)
      resolve()
    }
    function gone() {
      clearTimeout(timer)
      reject(stopped())
    }
    signal?.addEventListener('abort', gone, { once: true })
  })
}

/** Waits for it, at most so long; no timer stays behind that would keep the process from ending. */
export async function atMost(ms: number, what: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([what, over]).finally(() => clearTimeout(timer))
}

const POLL_MS = 50

/**
 * Waits for a condition rather than for a time: the machine may be busy.
 * @throws TcpwhyError LAB_FAILED when it does not come true in time
 */
export async function until(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  { deadlineMs = 15_000, signal }: { deadlineMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const end = performance.now() + deadlineMs
  while (!(await isTrue())) {
    if (performance.now() > end) throw failed(`${what}: not so after ${deadlineMs / 1000} s`)
    await sleep(POLL_MS, signal)
  }
}

export function failed(what: string, cause?: unknown): TcpwhyError {
  return new TcpwhyError(
    'LAB_FAILED',
    what,
    'Run it again with --keep DIR and look at the logs there; on a busy machine it may only have been too slow.',
    { cause },
  )
}

export function cannot(what: string, todo: string): TcpwhyError {
  return new TcpwhyError('LAB_CANNOT_RUN', what, todo)
}

/** Ctrl-C: not a failure of the scenario, but it ends it. */
export function stopped(): TcpwhyError {
  return new TcpwhyError(
    'LAB_STOPPED',
    'Stopped before the end',
    'Everything that the lab had made is undone.',
  )
}
