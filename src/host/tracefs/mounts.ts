// Linux fs/proc_namespace.c show_mountinfo (Documentation/filesystems/proc.rst 3.5), v6.18.

/**
 * Where the trace file system is mounted, and where it was up to 4.0 and still is to be found: a folder of debugfs.
 * @param mountinfo  /proc/self/mountinfo
 */
export function traceFolders(mountinfo: string): {
  tracefs: string | null
  debugfs: string | null
} {
  const mounts = mountinfo.split('\n').map(parseMount)
  const of = (type: string) => mounts.find((mount) => mount?.type === type && mount.root === '/')
  const debugfs = of('debugfs')
  return {
    tracefs: of('tracefs')?.at ?? null,
    debugfs: debugfs == null ? null : `${debugfs.at}/tracing`,
  }
}

/** "24 19 0:12 / /sys/kernel/tracing rw,nosuid shared:9 - tracefs tracefs rw" */
function parseMount(line: string): { root: string; at: string; type: string } | null {
  const [about = '', source] = line.split(' - ')
  const [, , , root, at] = about.split(' ')
  const type = source?.split(' ')[0]
  if (root === undefined || at === undefined || type === undefined) return null
  return { root, at: unescaped(at), type }
}

/** Blanks and backslashes are written as three octal digits. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
