// Magic numbers: file(1) 5.44 magic/Magdir; elf.h; PDF 32000-1; APPNOTE.TXT 4.3.7 (zip); RFC 1761 (snoop).
import { TcpwhyError } from '../base/errors.ts'

interface Stranger {
  magic: readonly number[]
  what: string
  todo?: string
  /** It is compressed by something that is not read here. */
  compression?: true
}

const CONVERT = 'Convert it first: editcap -F pcapng IN OUT (editcap comes with Wireshark).'
const UNPACK = 'Unpack it first and give the capture that is in it.'

/** What people hand over by mistake, and captures of other kinds. */
const strangers: readonly Stranger[] = [
  { magic: ascii('\x7fELF'), what: 'an ELF program or core file' },
  { magic: ascii('%PDF'), what: 'a PDF document' },
  { magic: ascii('PK\x03\x04'), what: 'a zip archive', todo: UNPACK },
  { magic: ascii('\xfd7zXZ\x00'), what: 'xz-compressed', todo: UNPACK, compression: true },
  { magic: ascii('BZh'), what: 'bzip2-compressed', todo: UNPACK, compression: true },
  { magic: ascii('7z\xbc\xaf\x27\x1c'), what: 'a 7-Zip archive', todo: UNPACK },
  { magic: ascii('\x89PNG'), what: 'a PNG picture' },
  { magic: ascii('\xff\xd8\xff'), what: 'a JPEG picture' },
  { magic: ascii('SQLite format 3'), what: 'an SQLite database' },
  {
    magic: ascii('<!DOCTYPE'),
    what: 'an HTML page',
    todo: 'Was it a failed download? Fetch it again.',
  },
  {
    magic: ascii('<html'),
    what: 'an HTML page',
    todo: 'Was it a failed download? Fetch it again.',
  },
  { magic: ascii('snoop\0\0\0'), what: 'a Solaris snoop capture', todo: CONVERT },
  { magic: ascii('GMBU'), what: 'a Microsoft Network Monitor capture', todo: CONVERT },
  { magic: ascii('RTSS'), what: 'a Microsoft Network Monitor 1 capture', todo: CONVERT },
  { magic: ascii('XCP\0'), what: 'a NetXRay or Sniffer capture', todo: CONVERT },
  { magic: ascii('TRSNIFF data'), what: 'a Sniffer capture', todo: CONVERT },
]

const GIVE_CAPTURE =
  'Give a pcap or pcapng file (tcpdump -w FILE), gzip, zstd or lz4 around one, or text that tcpdump printed.'

/**
 * The error for octets that no format claims: it names what they are as far as can be told.
 * @param wasUtf16  they are the text that was in UTF-16
 */
export function notCaptureError(name: string, head: Uint8Array, wasUtf16: boolean): TcpwhyError {
  if (wasUtf16) {
    return new TcpwhyError(
      'CAPTURE_UNKNOWN_FORMAT',
      `${name} is text in UTF-16, as > of Windows PowerShell writes it, and no line of it is a packet.`,
      'A capture does not survive that: let the program write the file itself (tcpdump -w FILE), or use cmd or PowerShell 7.4.',
    )
  }
  const stranger = strangers.find(({ magic }) => magic.every((octet, i) => head[i] === octet))
  if (stranger !== undefined) {
    const code = stranger.compression ? 'CAPTURE_UNSUPPORTED_COMPRESSION' : 'CAPTURE_UNKNOWN_FORMAT'
    return new TcpwhyError(code, `${name} is ${stranger.what}.`, stranger.todo ?? GIVE_CAPTURE)
  }
  const message = isText(head)
    ? `${name} is text, but no line of it is a packet as tcpdump prints it.`
    : `${name} is not a capture: its first octets are ${hex(head.subarray(0, 8))}.`
  return new TcpwhyError('CAPTURE_UNKNOWN_FORMAT', message, GIVE_CAPTURE)
}

/** Whether these octets look like text: no NUL, few control characters. */
export function isText(head: Uint8Array): boolean {
  let odd = 0
  for (const octet of head) {
    if (octet === 0) return false
    if (octet < 32 && octet !== 9 && octet !== 10 && octet !== 13 && octet !== 27) odd++
  }
  return odd * 20 <= head.length
}

function ascii(text: string): readonly number[] {
  return [...text].map((char) => char.charCodeAt(0))
}

function hex(octets: Uint8Array): string {
  return [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(' ')
}
