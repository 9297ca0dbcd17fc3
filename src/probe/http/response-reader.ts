// RFC 9112 §6.3: where a response ends. Reads octets as they come and keeps none of them but the head, and that only when asked.

const LF = 10
const COLON = 58
/** A head longer than this is no answer to a small request; nginx's own limit for what it reads is 8 kB a line. */
const MAX_HEAD = 64 * 1024

/** A response as long as this is remembered, so that its like need not be read again. */
const MAX_KNOWN = 4096

type State = 'line' | 'body' | 'until-end' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailer'

export type Progress = 'more' | 'done' | 'malformed'

/** What a response said that came in one piece. */
interface Known {
  octets: Uint8Array
  status: number
  keepAlive: boolean
  bodyOctets: number
  timeoutS: number | null
  maxRequests: number | null
  server: string | null
  via: string | null
}

/** One response after another on a connection; `reset` before each. */
export class ResponseReader {
  /** 0 until the status line was read. */
  status = 0
  /** HTTP/1.1 without `Connection: close`, or HTTP/1.0 with keep-alive; and the body has an end of its own. */
  keepAlive = true
  bodyOctets = 0
  /** Of `Keep-Alive: timeout=N, max=N`. */
  timeoutS: number | null = null
  maxRequests: number | null = null
  server: string | null = null
  /** By which proxies it came. */
  via: string | null = null

  private state: State = 'line'
  private line: number[] = []
  private lines = 0
  private headOctets = 0
  private left = 0
  private lengthOctets = -1
  private chunked = false
  private known: Known | null = null
  private readonly bodyless: boolean

  /** @param method  answers to HEAD have no body */
  constructor(method = 'GET') {
    this.bodyless = method === 'HEAD'
  }

  reset(): void {
    this.status = 0
    this.keepAlive = true
    this.bodyOctets = 0
    this.timeoutS = null
    this.maxRequests = null
    this.restart()
  }

  /** Octets after the end of the response are 'malformed': nobody asked for them. */
  feed(octets: Uint8Array): Progress {
    if (this.state !== 'line' || this.headOctets > 0) return this.read(octets)
    if (this.known !== null && isSame(this.known.octets, octets)) {
      this.repeat(this.known)
      return 'done'
    }
    const progress = this.read(octets)
    if (progress === 'done' && octets.length <= MAX_KNOWN) {
      const { status, keepAlive, bodyOctets, timeoutS, maxRequests, server, via } = this
      const said = { status, keepAlive, bodyOctets, timeoutS, maxRequests, server, via }
      this.known = { octets: octets.slice(), ...said }
    }
    return progress
  }

  private repeat(known: Known): void {
    this.status = known.status
    this.keepAlive = known.keepAlive
    this.bodyOctets = known.bodyOctets
    this.timeoutS = known.timeoutS
    this.maxRequests = known.maxRequests
    this.server = known.server
    this.via = known.via
    this.state = 'body' // whole: whatever comes behind it was not asked for
    this.left = 0
  }

  private read(octets: Uint8Array): Progress {
    let at = 0
    while (at < octets.length) {
      if (this.state === 'until-end') {
        this.bodyOctets += octets.length - at
        return 'more'
      }
      if (this.state === 'body' || this.state === 'chunk') {
        const taken = Math.min(this.left, octets.length - at)
        this.left -= taken
        this.bodyOctets += taken
        at += taken
        if (this.left > 0) return 'more'
        if (this.state === 'body') return at === octets.length ? 'done' : 'malformed'
        this.state = 'chunk-end'
        continue
      }
      const end = octets.indexOf(LF, at)
      if (end < 0) return this.keep(octets, at)
      const progress = this.lineOf(octets, at, end)
      at = end + 1
      if (progress === 'malformed') return progress
      if (progress === 'done') return at === octets.length ? 'done' : 'malformed'
    }
    return 'more'
  }

  /** The peer's FIN. */
  end(): Progress {
    return this.state === 'until-end' ? 'done' : 'malformed'
  }

  private restart(): void {
    this.state = 'line'
    this.line = []
    this.lines = 0
    this.headOctets = 0
    this.left = 0
    this.lengthOctets = -1
    this.chunked = false
  }

  private keep(octets: Uint8Array, at: number): Progress {
    this.headOctets += octets.length - at
    if (this.headOctets > MAX_HEAD) return 'malformed'
    for (let i = at; i < octets.length; i++) this.line.push(octets[i]!)
    return 'more'
  }

  private lineOf(octets: Uint8Array, at: number, end: number): Progress {
    this.headOctets += end - at + 1
    if (this.headOctets > MAX_HEAD) return 'malformed'
    if (this.line.length === 0) return this.take(octets, at, end)
    for (let i = at; i < end; i++) this.line.push(octets[i]!)
    const whole = Uint8Array.from(this.line)
    this.line = []
    return this.take(whole, 0, whole.length)
  }

  /** One line, without its LF; a CR before it is not part of it. */
  private take(octets: Uint8Array, at: number, lf: number): Progress {
    const end = lf > at && octets[lf - 1] === 13 ? lf - 1 : lf
    switch (this.state) {
      case 'line':
        if (this.lines++ === 0) return this.statusLine(octets, at, end)
        if (end === at) return this.headEnds()
        this.field(octets, at, end)
        return 'more'
      case 'chunk-size':
        return this.chunkSize(octets, at, end)
      case 'chunk-end':
        this.state = 'chunk-size'
        return end === at ? 'more' : 'malformed'
      case 'trailer':
        return end === at ? 'done' : 'more'
      default:
        return 'malformed'
    }
  }

  private statusLine(octets: Uint8Array, at: number, end: number): Progress {
    // "HTTP/1.1 200": the version's last digit is at 7, the status at 9
    const isHttp = octets[at] === 72 && octets[at + 1] === 84 && octets[at + 4] === 47
    if (!isHttp || end - at < 12 || octets[at + 8] !== 32) return 'malformed'
    const digit = (i: number) => (octets[at + i] ?? 0) - 48
    this.status = digit(9) * 100 + digit(10) * 10 + digit(11)
    this.keepAlive = digit(7) !== 0
    return this.status >= 100 && this.status < 1000 ? 'more' : 'malformed'
  }

  private field(octets: Uint8Array, at: number, end: number): void {
    // Most fields are none of ours, told by their first letter: those of FIELDS
    const first = (octets[at] ?? 0) | 32
    if (first !== 99 && first !== 107 && (first < 115 || first > 118)) return
    const colon = octets.indexOf(COLON, at)
    if (colon < 0 || colon >= end) return
    const name = text(octets, at, colon).toLowerCase()
    if (!FIELDS.has(name)) return
    this.noteField(name, text(octets, colon + 1, end).trim())
  }

  private noteField(name: string, value: string): void {
    if (name === 'content-length' && /^\d{1,15}$/.test(value)) this.lengthOctets = Number(value)
    if (name === 'transfer-encoding') this.chunked = /\bchunked$/i.test(value)
    if (name === 'server') this.server = value.slice(0, 100)
    if (name === 'via') this.via = value.slice(0, 100)
    if (name === 'connection') {
      if (/\bclose\b/i.test(value)) this.keepAlive = false
      if (/\bkeep-alive\b/i.test(value)) this.keepAlive = true
    }
    if (name !== 'keep-alive') return
    this.timeoutS = numberAfter('timeout', value)
    this.maxRequests = numberAfter('max', value)
  }

  private headEnds(): Progress {
    const { status } = this
    if (status < 200 && status !== 101) {
      // An interim response (100, 103): the real one follows.
      this.restart()
      return 'more'
    }
    if (this.bodyless || status === 204 || status === 304) return 'done'
    if (this.chunked) {
      this.state = 'chunk-size'
      return 'more'
    }
    if (this.lengthOctets < 0) {
      this.state = 'until-end'
      this.keepAlive = false
      return 'more'
    }
    this.left = this.lengthOctets
    this.state = 'body'
    return this.left === 0 ? 'done' : 'more'
  }

  private chunkSize(octets: Uint8Array, at: number, end: number): Progress {
    const size = /^[0-9a-f]{1,12}(?=$|[\s;])/i.exec(text(octets, at, end))?.[0]
    if (size === undefined) return 'malformed'
    this.left = Number.parseInt(size, 16)
    this.headOctets = 0
    this.state = this.left === 0 ? 'trailer' : 'chunk'
    return 'more'
  }
}

const FIELDS = new Set([
  'connection',
  'content-length',
  'keep-alive',
  'server',
  'transfer-encoding',
  'via',
])

/** From the end: what differs from one answer to the next, a date or a body, is nearer to it. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return false
  return true
}

function numberAfter(name: string, value: string): number | null {
  const found = new RegExp(`\\b${name}=(\\d{1,9})`, 'i').exec(value)?.[1]
  return found === undefined ? null : Number(found)
}

function text(octets: Uint8Array, at: number, end: number): string {
  let result = ''
  for (let i = at; i < end; i++) result += String.fromCharCode(octets[i]!)
  return result
}
