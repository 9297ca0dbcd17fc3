import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'

/** What watching changes on a machine: folders and files of tracefs, nothing else. Tests give others. */
export interface TraceFiles {
  makeFolder(path: string): Done
  removeFolder(path: string): Done
  write(path: string, text: string): Done
  /** A trace_pipe_raw, read without waiting. */
  openPages(path: string): PageReader | { failed: string }
}

/** null: done. Else errno's name, "EACCES". */
export type Done = string | null

export interface PageReader {
  /** One page into `octets`. @returns how many octets, 0: nothing there now */
  read(octets: Uint8Array): number
  close(): void
}

export function nodeTraceFiles(): TraceFiles {
  return {
    makeFolder: (path) => attempt(() => mkdirSync(path, 0o700)),
    removeFolder: (path) => attempt(() => rmdirSync(path)),
    // "w" would create what is not there; these files are there or the kernel lacks them.
    write: (path, text) => attempt(() => writeFileSync(path, text, { flag: 'r+' })),
    openPages,
  }
}

function openPages(path: string): PageReader | { failed: string } {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    return { failed: codeOf(cause) }
  }
  return {
    read: (octets) => {
      try {
        return readSync(file, octets, 0, octets.length, null)
      } catch (cause) {
        // EAGAIN: nothing there. EINTR, ENODEV (the processor was taken away): nothing there now.
        if (codeOf(cause) === 'EBADF') throw cause
        return 0
      }
    },
    close: () => {
      closeSync(file)
    },
  }
}

function attempt(change: () => void): Done {
  try {
    change()
    return null
  } catch (cause) {
    return codeOf(cause)
  }
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null
  return typeof code === 'string' ? code : 'EIO'
}
