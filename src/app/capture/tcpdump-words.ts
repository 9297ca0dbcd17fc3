import { TcpwhyError } from '../../base/errors.ts'

/** What tcpdump counts and prints at its end, and when it is sent SIGUSR1. */
export interface TcpdumpCounts {
  captured: number | null
  received: number | null
  droppedByKernel: number | null
  droppedByInterface: number | null
}

const MAX_KEPT = 16_384

/** tcpdump's standard error, as it comes. */
export class TcpdumpWords {
  text = ''

  add(piece: string): void {
    this.text = (this.text + piece).slice(-MAX_KEPT)
  }

  get isListening(): boolean {
    return /^(?:tcpdump: )?listening on /m.test(this.text)
  }

  /** It, or what was to start it, could not become the user that it should be. */
  get isAboutPrivileges(): boolean {
    return /^setpriv: |Couldn't (?:find user|change to)|initgroups failed|unrecognized option/m.test(
      this.text,
    )
  }

  /** What it complained of last; '' when it did not. */
  get complaint(): string {
    return lastWords(this.text)
  }

  /** The last counts that it printed: "12 packets received by filter". */
  get counts(): TcpdumpCounts {
    return {
      captured: last(this.text, /(\d+) packets? captured/g),
      received: last(this.text, /(\d+) packets? received by filter/g),
      droppedByKernel: last(this.text, /(\d+) packets? dropped by kernel/g),
      droppedByInterface: last(this.text, /(\d+) packets? dropped by interface/g),
    }
  }
}

function last(text: string, pattern: RegExp): number | null {
  const found = [...text.matchAll(pattern)].at(-1)?.[1]
  return found === undefined ? null : Number(found)
}

interface About {
  interface: string
  filter: string
  target: { label: string }
}

/** What tcpdump complained of, in one sentence with what to do. */
export function failureOf(text: string, about: About): TcpwhyError {
  const said = lastWords(text)
  if (/permission to (?:perform this )?capture|Operation not permitted|EPERM/i.test(text)) {
    return new TcpwhyError(
      'CAPTURE_NOT_PERMITTED',
      'Capturing packets is not allowed for this user',
      'Run it with sudo, or give tcpdump the right: sudo setcap cap_net_raw+ep "$(command -v tcpdump)".',
    )
  }
  if (/No such device|doesn't exist|not up|is down|No such interface/i.test(text)) {
    return new TcpwhyError(
      'CAPTURE_NO_INTERFACE',
      `Interface ${about.interface} is not there, or is down, in ${about.target.label}: ${said}`,
      'Leave -i out to capture on all interfaces, or see: ip -br link.',
    )
  }
  if (isAboutFilter(text)) {
    return new TcpwhyError(
      'CAPTURE_BAD_FILTER',
      `The filter is not understood: ${about.filter} (${said})`,
      "It is a filter of tcpdump: 'tcp port 443 and host 10.0.0.7'; man pcap-filter has all of it.",
    )
  }
  return new TcpwhyError(
    'CAPTURE_FAILED',
    said === '' ? 'tcpdump ended at once, and did not say why' : `tcpdump failed: ${said}`,
    'See whether tcpdump works by itself: sudo tcpdump -c 1 -i any.',
  )
}

function isAboutFilter(text: string): boolean {
  return /syntax error|can't parse filter|unknown (?:host|port|network|ether|protocol|osi)|illegal (?:token|char)|expression rejects|filter expression|invalid (?:port|ip|qualifier)|aid supported only|not supported on|unsupported|mask length|non-network bits/i.test(
    text,
  )
}

/** What it says when all is well. */
const OF_COURSE =
  /^(?:data link type|verbose output|listening on|\d+ packets? (?:captured|received|dropped)|dropped privs)/

function lastWords(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/^(?:tcpdump|setpriv|nsenter): /, '').trim())
    .filter((line) => line !== '' && !OF_COURSE.test(line))
  return (lines.at(-1) ?? '').slice(0, 300)
}
