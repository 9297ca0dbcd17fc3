import type { AcceptQueue, QueueSettings, SynQueue } from './queue-limits.ts'

/**
 * Where a value comes from: an option; this host; the kernel's default (net/core/net_namespace.c: 128, since 5.4 4096);
 * or, for a backlog that was not given, the largest that listen() lets through.
 */
export type QueueValueFrom = 'given' | 'host' | 'default' | 'largest'

/** A listening socket of this network namespace. */
export interface WaitingListener {
  /** "0.0.0.0:80", "[::]:443". */
  local: string
  /** Connections in its accept queue now: Recv-Q of `ss -l`, sk_ack_backlog. */
  waiting: number
}

/** `tcpwhy queue --json`; fields are added, never renamed. */
export interface QueueReport {
  schema: 'tcpwhy.queue/1'
  tool: { name: 'tcpwhy'; version: string }
  /** Its release: "6.1.0-32-amd64". */
  kernel: string
  /** Whether `kernel` is this host's or was given. */
  kernelFrom: 'given' | 'host'
  settings: Record<keyof QueueSettings, { value: number; from: QueueValueFrom }>
  acceptQueue: AcceptQueue
  synQueue: SynQueue
  /** Listeners of this host, longest queue first; absent for another machine, null where they cannot be read. */
  listeners?: WaitingListener[] | null
}
