import type { EventsFacts, KernelEvent } from '../../host/events.ts'

/**
 * Without the resets of listeners at all addresses that are of other stages: those name a port only, but they are of the socket that
 * was told when it began to listen, and by whom. The watch began before any listener of this stage.
 * @param isElsewhere  whether a process is in another network; false where it is gone
 */
export function withoutForeignListeners(
  events: EventsFacts,
  isElsewhere: (pid: number) => boolean,
): EventsFacts {
  // A recording that lost events may lack the beginning of a listener.
  if (events.lost > 0 || events.missing.some(({ adds }) => adds === 'states')) return events
  const own = new Set<number>()
  for (const { kind, state, socket, pid } of events.events) {
    if (kind !== 'state' || state !== 'LISTEN' || socket === null) continue
    if (pid === null || !isElsewhere(pid)) own.add(socket)
  }
  return {
    ...events,
    events: events.events.filter((e) => !isOfListener(e) || e.socket === null || own.has(e.socket)),
  }
}

function isOfListener({ kind, state, remote }: KernelEvent): boolean {
  return kind === 'reset-sent' && state === 'LISTEN' && (remote === null || remote.port === 0)
}
