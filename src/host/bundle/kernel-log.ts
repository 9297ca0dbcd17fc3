// Linux Documentation/ABI/testing/dev-kmsg, v6.18: "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];MESSAGE" and " KEY=VALUE" lines.

export interface KernelLogText {
  /** As dmesg prints it: "[    1.234567] message". */
  text: string
  /** Lines that were not kept because they may hold arguments of programs. */
  withheld: number
}

/** Programs write there too, with other facilities: whatever they like. */
const KERNEL = 0
/** Arguments of the kernel and of programs (EXECVE, PROCTITLE), which may hold passwords. */
const ARGUMENTS = /\bcommand line:|^audit: .*\b(type=13(09|27)|proctitle=|\ba\d+=)/i

/** @param records  what each read() of /dev/kmsg gave, in order */
export function kernelLogText(records: readonly string[]): KernelLogText {
  let withheld = 0
  let text = ''
  for (const record of records) {
    const [, priority, microseconds, message] =
      /^(\d{1,4}),\d+,(\d{1,17}),[^;]*;([^\n]*)/.exec(record) ?? []
    if (message === undefined) continue
    if (Number(priority) >> 3 !== KERNEL || ARGUMENTS.test(message)) withheld++
    else text += `[${stamp(Number(microseconds))}] ${message}\n`
  }
  return { text, withheld }
}

function stamp(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6).padStart(12)
}
