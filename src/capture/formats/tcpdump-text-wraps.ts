// Lines of tcpdump that a terminal, an editor or a mail program broke. Format: see tcpdump-text-lines.ts.
import { plainLine, TIME_FIRST } from './tcpdump-text-lines.ts'

/** A line is not broken into more parts: 40 columns for the longest of -v. */
const MAX_PARTS = 6

const IP_FIRST = /^(?:\d{1,9}\s+)?IP6? /
const ADDRESS_FIRST = /^\S+ > \S+: /
const HEX_DUMP = /^0x[0-9a-f]{4}:/
const DIGITS_LEFT = /^\d{1,4}(?:: .*)?$/
const OPTIONS_LEFT = /^<.*>/

const ADDRESSES = ' > [^\\s,]+: '
const NEW = new RegExp(`${ADDRESSES}Flags \\[`)
const NEW_END = /, length \d+/
const OLD = new RegExp(`${ADDRESSES}[SFRPWEU.]{1,8}(?:[ ,]|$)`)
const OLD_END = / win \d+/
const IP4 = /\bIP \(tos |^\(tos /
const IP4_END = /, length \d+[,)]/
const IP6 = /\bIP6 \(/
const NO_PAYLOAD = / IP6?(?: |$)/
/** Something behind the addresses that is not "Flags [" in pieces, nor an old "S 1:1(0)" that lost its space. */
const SOME_PAYLOAD = new RegExp(
  `${ADDRESSES}(?!F\\s*l?\\s*a?\\s*g?\\s*s?\\s*(?:\\[|$))(?![SFRPWEU.]{1,8}\\d)\\S`,
)

const OPTION =
  '(?:nop|eol|sackOK|mss \\d+|wscale \\d+|(?:TS val|timestamp) \\d+(?: ecr)? \\d+|sack \\d+ (?:\\{\\d+:\\d+\\})+|(?:md5|tfo|exp-tfo|mptcp|unknown|tcp-ao|uto)[^\\]>]*)'
const OPTIONS = `${OPTION}(?:,${OPTION})*`
const CKSUM = ', cksum 0x[0-9a-f]{1,4} \\((?:correct|incorrect(?: -> 0x[0-9a-f]{1,4})?)\\)'
const WHOLE_NEW = new RegExp(
  `${ADDRESSES}Flags \\[[A-Za-z.]*\\](?:${CKSUM})?(?:, seq \\d+(?::\\d+)?)?(?:, ack \\d+)?, win \\d+(?:, urg \\d+)?(?:, options \\[${OPTIONS}\\])?, length \\d+`,
)
const WHOLE_OLD = new RegExp(
  `${ADDRESSES}[SFRPWEU.]{1,8}(?:${CKSUM},?)?(?: \\d+:\\d+\\(\\d+\\))?(?: ack \\d+)? win \\d+(?: urg \\d+)?(?: <${OPTIONS}>| \\(|$)`,
)
const WHOLE_IP4 =
  /\(tos 0x[0-9a-f]{1,2}(?:,[\w()]+)?, ttl \d+, id \d+, offset \d+, flags \[[^\]]*\], proto \w+ \(\d+\), length \d+[,)]/
const WHOLE_IP6 =
  /IP6 \((?:class 0x[0-9a-f]+, )?(?:flowlabel 0x[0-9a-f]+, )?hlim \d+, next-header \S+ \(\d+\) payload length: \d+\) \S/

/** Puts the parts of broken lines together. A line that begins a packet and lacks its end is held for those that follow. */
export class Unwrapper {
  private held: string[] = []
  /** Where lines were broken last: there, the number that ends a line may be broken, too. */
  private width = 0

  read(line: string): string[] {
    const plain = plainLine(line)
    const [first] = this.held
    if (first === undefined) return this.begin(line, plain)
    const parts = [...this.held, line]
    const seemedWhole = parts.length === 2 && !isCut(plainLine(first))
    const goesOn = seemedWhole
      ? DIGITS_LEFT.test(plain) || OPTIONS_LEFT.test(plain)
      : mayGoOn(plain, first) && parts.length <= MAX_PARTS
    if (!goesOn) return [...this.finish(), ...this.begin(line, plain)]
    this.held = parts
    const joined = joinedParts(parts)
    if (joined === null && !seemedWhole) return []
    this.width = first.length
    this.held = []
    return joined === null ? parts : [joined]
  }

  finish(): string[] {
    const held = this.held
    this.held = []
    return held
  }

  private begin(line: string, plain: string): string[] {
    const broken = beginsPacket(plain) && (isCut(plain) || this.mayLackMore(line))
    if (!broken) return [line]
    this.held = [line]
    return []
  }

  /** Whether it seems whole, and yet the next line may be its end. */
  private mayLackMore(line: string): boolean {
    if (OLD.test(line)) return / win \d+$/.test(line)
    return line.length === this.width && /, length \d+$/.test(line)
  }
}

function beginsPacket(plain: string): boolean {
  return TIME_FIRST.test(plain) || IP_FIRST.test(plain) || ADDRESS_FIRST.test(plain)
}

function mayGoOn(plain: string, first: string): boolean {
  if (plain === '' || HEX_DUMP.test(plain)) return false
  // The break may be before the addresses, or within the first of them.
  if (ADDRESS_FIRST.test(plain)) return !first.includes(' > ')
  return !TIME_FIRST.test(plain) && !IP_FIRST.test(plain)
}

/** Whether the end of a packet's line is not there. */
function isCut(plain: string): boolean {
  if (NEW.test(plain)) return !NEW_END.test(plain)
  if (OLD.test(plain))
    return (
      !OLD_END.test(plain) ||
      (plain.includes(' <') && !plain.includes('>', plain.lastIndexOf(' <')))
    )
  if (IP4.test(plain)) return !IP4_END.test(plain)
  if (IP6.test(plain)) return !WHOLE_IP6.test(plain) || !SOME_PAYLOAD.test(plain)
  return NO_PAYLOAD.test(plain) && !SOME_PAYLOAD.test(plain)
}

/** The one way to put them together that gives a line as tcpdump prints it; null as long as there is none. */
function joinedParts([first = '', ...rest]: readonly string[]): string | null {
  let ways = [first]
  for (const part of rest) {
    // Broken at a column, or at a space that is lost; then an editor may have indented the rest.
    ways = ways.flatMap((way) => [way + part, `${way} ${part.trimStart()}`])
  }
  return ways.find(isWhole) ?? null
}

function isWhole(line: string): boolean {
  const plain = plainLine(line)
  if (isCut(plain)) return false
  if (NEW.test(plain) && !WHOLE_NEW.test(plain)) return false
  if (OLD.test(plain) && !WHOLE_OLD.test(plain)) return false
  if (IP6.test(plain) && !WHOLE_IP6.test(plain)) return false
  return !IP4.test(plain) || WHOLE_IP4.test(plain)
}
