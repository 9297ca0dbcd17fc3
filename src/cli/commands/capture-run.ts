import { hostname } from 'node:os'
import type { CaptureEvent, CaptureResult } from '../../app/capture/capture.ts'
import { DEFAULT_FILTER } from '../../app/capture/defaults.ts'
import { assertNever } from '../../base/assert.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { captureWords as words } from '../../messages/en/capture.ts'
import { render } from '../../messages/render.ts'
import type { Values } from '../../messages/types.ts'
import { printable } from '../../report/printable.ts'
import { wrap } from '../../report/wrap.ts'
import { type CaptureRequest, captureRequest } from '../capture-arguments.ts'
import type { Io, Output } from '../io.ts'
import type { App, Arguments } from '../spec.ts'
import { run as analyze } from './analyze-run.ts'

const COULD_NOT = 2

/** `tcpwhy capture`: argv -> app -> what happened. @returns 0, 2 when it ended before its time, or the code of --analyze */
export async function run(args: Arguments, io: Io, app: App): Promise<number> {
  const request = captureRequest(args)
  await refuseTerminal(request, io)
  const output = request.output ?? defaultName(request)
  const view = new View(request, output, io)
  const capture = await app.capture()
  const stop = new AbortController()
  const stopListening = listenTwice(io, () => stop.abort())
  try {
    const result = await capture({
      ...request.capture,
      output: output === '-' ? (octets) => io.out.write(octets) : output,
      signal: stop.signal,
      onEvent: (event) => view.event(event),
    })
    await view.result(result)
    if (request.analyze) return await analyzed(request, result, { io, app })
    return result.endedBy === 'tcpdump' || result.endedBy === 'disk-full' ? COULD_NOT : 0
  } finally {
    stopListening()
  }
}

/** A second Ctrl-C, of somebody impatient, must not lose the file that the first one is finishing; a third ends it all. */
function listenTwice(io: Io, stop: () => void): () => void {
  let off = io.onInterrupt(
    () => {
      stop()
      off = io.onInterrupt(() => {}, { hangup: true })
    },
    { hangup: true },
  )
  return () => off()
}

async function refuseTerminal({ output }: CaptureRequest, io: Io): Promise<void> {
  if (output !== '-' || !(await io.out.isTerminal())) return
  throw new TcpwhyError(
    'BAD_ARGUMENT',
    'A capture is nothing to read on a terminal',
    'Send it on: tcpwhy capture -w - | wireshark -k -i -, or name a file.',
  )
}

/** tcpwhy-web1-20261130T184500Z.pcapng, in the current folder. */
function defaultName({ capture }: CaptureRequest): string {
  const { container, pid, netns } = capture
  const of = container ?? (pid === undefined ? netns : `pid${pid}`)
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const parts = [hostname(), ...(of === undefined ? [] : [of]), time]
  return `tcpwhy-${parts.join('-').replace(/[^\w.-]+/g, '_')}.pcapng`
}

async function analyzed(
  { quiet }: CaptureRequest,
  { files }: CaptureResult,
  { io, app }: { io: Io; app: App },
): Promise<number> {
  const path = files.at(-1)?.path
  if (path === undefined || path === null) return COULD_NOT
  return analyze({ options: quiet ? { quiet: [] } : {}, operands: [path] }, io, app)
}

/** What the user sees. Where the capture itself goes to standard output, everything is said on standard error. */
class View {
  private readonly request: CaptureRequest
  private readonly io: Io
  private readonly out: Output
  private isProgressShown = false
  private saying: Promise<void> = Promise.resolve()

  constructor(request: CaptureRequest, output: string, io: Io) {
    this.request = request
    this.io = io
    this.out = output === '-' ? io.err : io.out
  }

  event(event: CaptureEvent): void {
    switch (event.kind) {
      case 'listening':
        this.listening(event)
        return
      case 'progress':
        this.progress(event)
        return
      case 'fired': {
        const what = render(words.fired[event.fired.kind], event.fired.values)
        this.say(words.trigger, { what, tailMs: this.request.capture.tailMs })
        return
      }
      case 'saved':
        if (event.file.path !== null) this.saved({ ...event.file, path: event.file.path })
        return
      case 'log-too-slow':
        this.say(words.logTooSlow, {})
        return
      case 'ring-cut':
        this.say(words.ringCut, { maxOctets: this.request.capture.maxOctets })
        return
      default:
        assertNever(event)
    }
  }

  async result(result: CaptureResult): Promise<void> {
    const { capture } = this.request
    if (capture.triggers.length > 0 && result.files.every(({ fired }) => fired === null)) {
      this.say(words.notFired, {})
    }
    this.lost(result)
    const values = { maxOctets: capture.maxOctets, lastWords: result.lastWords }
    if (result.endedBy === 'full' || result.endedBy === 'disk-full') {
      this.say(words.ended[result.endedBy], values, 'always')
    } else if (result.endedBy === 'tcpdump') {
      const isSilent = result.lastWords === ''
      this.say(isSilent ? words.ended.tcpdumpSilent : words.ended.tcpdump, values, 'always')
    }
    await this.saying
  }

  private listening({ target, folder }: CaptureEvent & { kind: 'listening' }): void {
    const { interface: name, snapLen, filter, ringMs, triggers, maxOctets } = this.request.capture
    this.say(words.listening, {
      what: snapLen > 1000 ? words.full : render(words.headers, { snapLen }),
      interface: name === 'any' ? words.allInterfaces : render(words.oneInterface, { name }),
      target: target.label,
      filter: filter || DEFAULT_FILTER,
    })
    if (ringMs === null) return
    const kinds = triggers.map(({ kind }) => kind).join(' or ')
    const until = kinds === '' ? words.untilEnd : render(words.untilTrigger, { triggers: kinds })
    this.say(words.ring, { ringMs, folder: folder ?? '', maxOctets, until })
  }

  private lost({ dropped }: CaptureResult): void {
    if (dropped === null) this.say(words.lostUnknown, {})
    else if (dropped > 0) this.say(words.lost, { dropped }, 'always')
    else this.say(words.lostNone, {})
  }

  private saved({ path, packets, octets }: { path: string; packets: number; octets: number }) {
    this.write(this.out, `${printable(render(words.saved, { path, packets, octets }))}\n`)
    if (!this.request.analyze && this.out === this.io.out) {
      this.write(this.out, `${printable(render(words.analyze, { path }))}\n`)
    }
  }

  private progress(values: { packets: number; octets: number }): void {
    if (this.request.quiet) return
    this.saying = this.saying.then(async () => {
      if (!(await this.io.err.isTerminal())) return
      this.isProgressShown = true
      await this.io.err.write(`\r\x1b[K${render(words.progress, values)}`)
    })
    this.saying = this.saying.catch(() => {})
  }

  private say(template: string, values: Values, when: 'always' | 'unless-quiet' = 'unless-quiet') {
    if (when === 'unless-quiet' && this.request.quiet) return
    const lines = wrap(printable(render(template, values)), '')
    this.write(this.io.err, `${lines.join('\n')}\n`)
  }

  /** In order; a reader that has gone is no reason to stop a capture. */
  private write(to: Output, text: string): void {
    this.saying = this.saying
      .then(async () => {
        if (this.isProgressShown) await this.io.err.write('\r\x1b[K')
        this.isProgressShown = false
        await to.write(text)
      })
      .catch(() => {})
  }
}
