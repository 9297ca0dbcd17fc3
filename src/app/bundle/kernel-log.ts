import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type KernelLogText, kernelLogText } from '../../host/bundle/kernel-log.ts'

const PATH = '/dev/kmsg'
const MAX_LINES = 1_000
/** Of one record, include/linux/printk.h. */
const RECORD = 8192
/** More than any log buffer holds: reading ends even where programs write as fast as it is read. */
const MAX_READS = 200_000

/** The last lines of the kernel's log, without waiting for more. @returns why not, as errno's name */
export function readKernelLog():
  | { is: 'read'; log: KernelLogText }
  | { is: 'failed'; why: string } {
  let file: number
  try {
    file = openSync(PATH, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    return { is: 'failed', why: codeOf(cause) }
  }
  try {
    return { is: 'read', log: kernelLogText(recordsOf(file)) }
  } finally {
    closeSync(file)
  }
}

function recordsOf(file: number): string[] {
  const octets = Buffer.alloc(RECORD)
  let records: string[] = []
  for (let n = 0; n < MAX_READS; n++) {
    try {
      const count = readSync(file, octets, 0, octets.length, null)
      if (count === 0) break
      records.push(octets.toString('utf8', 0, count))
    } catch (cause) {
      // Overwritten before it could be read: the next read gives what is there now.
      if (codeOf(cause) !== 'EPIPE') break
    }
    if (records.length > 2 * MAX_LINES) records = records.slice(-MAX_LINES)
  }
  return records.slice(-MAX_LINES)
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : 'EIO'
}
