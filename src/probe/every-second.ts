import type { ProbePort } from './port.ts'

const PROGRESS_MS = 1000

/** On the port's clock, for whoever looks on. @returns how to stop it */
export function everySecond(tell: () => void, port: ProbePort, isWanted: boolean): () => void {
  if (!isWanted) return () => {}
  let cancel = () => {}
  const next = () => {
    cancel = port.after(PROGRESS_MS, () => {
      tell()
      next()
    })
  }
  next()
  return () => cancel()
}
