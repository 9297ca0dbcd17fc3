import { ResponseReader } from '../http/response-reader.ts'
import type { OpenOptions, ProbePort, ProbeSocket, SocketFailure } from '../port.ts'
import { COM_PING, MysqlLogins } from './mysql.ts'
import type { Outcome, Talk, Trial, TrialResult } from './types.ts'

export interface TrialJob {
  to: OpenOptions
  talk: Talk
  trial: Trial
  stop: AbortSignal
}

/** A handshake or a first answer that takes longer says nothing about silences. */
const FIRST_MS = 10_000
/** No answer for so long after the silence is none: the first retransmissions go out after 0.2, 0.6 and 1.4 s (RTO 200 ms). */
const ANSWER_MS = 1600
/** And so many times what the first answer took, where that is more. */
const TIMES_FIRST = 3
/** Linux delays an ACK by 40 ms at most: so long after we read the answer the path may have been carrying it (TCP_DELACK_MIN). */
const DELAYED_ACK_MS = 40
const POLL_MS = 10
/** Linux include/net/tcp_states.h */
const TCP_CLOSE = 7
/** A server that says why it closes (408, ERR 4031, FATAL 57P05) closes at once. */
const LAST_WORDS_MS = 1000
/** Octets that came by themselves may have lain there so long before we looked. */
const NOTICED_MS = 200
/** Who ends a connection so soon after octets that were acknowledged does so because of them. */
const NOT_LIKED_MS = 500
/** A keepalive probe leaves with the next tick of the kernel's clock, 10 ms at HZ=100; data at once. */
const WROTE_MS = 20

/** Opens one connection, lets it work, keeps silent, and says whether it still works. Null when stopped before that was known. */
export function tryOne(job: TrialJob, port: ProbePort): Promise<TrialResult | null> {
  return new Promise((resolve) => new One(job, port, resolve).start())
}

type Phase = 'opening' | 'first' | 'silent' | 'heartbeat' | 'after' | 'over'

class One {
  private readonly job: TrialJob
  private readonly port: ProbePort
  private readonly resolve: (result: TrialResult | null) => void
  private readonly reader = new ResponseReader()
  private readonly logins: MysqlLogins | null
  private socket: ProbeSocket | null = null
  private phase: Phase = 'opening'
  private cancels: (() => void)[] = []
  private timer: (() => void) | null = null
  private cancelPoll: (() => void) | null = null
  private localPort: number | null = null
  /** When the present phase began; a phase that sends: just before it did. */
  private phaseMs = 0
  /** Just after what the present phase sends was handed to the kernel. */
  private saidMs = 0
  /** How long the handshake or the first answer took, whichever is more. */
  private firstMs = 0
  /** The silence began after the first (something was sent then) and before the second (its answer was there). */
  private sentMs = 0
  private heardMs = 0
  /** The silence that octets from the server broke at `atMs`. */
  private before: { sentMs: number; heardMs: number; atMs: number } | null = null
  /** When the silence, or the time with a heartbeat, began for us. */
  private silentFromMs = 0

  constructor(job: TrialJob, port: ProbePort, resolve: (result: TrialResult | null) => void) {
    this.job = job
    this.port = port
    this.resolve = resolve
    this.logins = job.talk.is === 'mysql' ? new MysqlLogins(job.talk.login) : null
  }

  start(): void {
    const { stop, to } = this.job
    if (stop.aborted) {
      this.resolve(null)
      return
    }
    const onStop = () => this.end(null)
    stop.addEventListener('abort', onStop)
    this.cancels.push(() => stop.removeEventListener('abort', onStop))
    this.enter('opening', FIRST_MS, () => this.done('unusable', 'timeout'))
    this.sentMs = this.phaseMs
    this.socket = this.port.open(to, {
      connected: () => this.connected(),
      data: (octets) => this.data(octets),
      ended: () => this.ended(),
      closed: (failure) => this.closed(failure),
    })
  }

  /** A new phase, and what happens when it lasts too long. */
  private enter(phase: Phase, limitMs: number, late: () => void): void {
    this.phase = phase
    this.phaseMs = this.port.nowMs()
    this.timer?.()
    this.timer = this.port.after(limitMs, late)
  }

  private connected(): void {
    const { keepalive } = this.job.trial
    if (keepalive !== null) this.socket?.keepalive(keepalive)
    this.localPort = this.socket?.local()?.port ?? null
    this.heardMs = this.port.nowMs()
    this.firstMs = this.heardMs - this.phaseMs
    if (this.job.talk.is === 'keepalive-probe') this.keepSilent()
    else
      this.say('first', FIRST_MS, () =>
        this.done('unusable', this.isUngreeted() ? 'no-greeting' : 'no-answer'),
      )
  }

  /** MySQL speaks first; who says nothing is something else. */
  private isUngreeted(): boolean {
    return this.logins !== null && this.logins.version === null
  }

  /** Sends what this talk says, and waits for its answer. */
  private say(phase: Phase, limitMs: number, late: () => void): void {
    const { talk } = this.job
    this.enter(phase, limitMs, late)
    this.reader.reset()
    if (phase === 'first') this.sentMs = this.phaseMs
    if (talk.is === 'keepalive-probe') this.socket?.probeNow()
    else if (talk.is === 'http') this.socket?.write(talk.request)
    else if (talk.is === 'octets') this.socket?.write(talk.octets)
    // A MySQL server speaks first; from then on it is pinged.
    else if (phase !== 'first') this.socket?.write(COM_PING)
    this.saidMs = this.port.nowMs()
    if (talk.is === 'octets' || talk.is === 'keepalive-probe') this.poll(phase)
  }

  /** Where no answer of the program is waited for, the kernel tells that the other one acknowledged. */
  private poll(phase: Phase): void {
    if (this.phase !== phase) return
    if (this.isAcknowledged()) this.answered()
    else this.cancelPoll = this.port.after(POLL_MS, () => this.poll(phase))
  }

  private isAcknowledged(): boolean {
    const info = this.socket?.info()
    // After a RST nothing is unacknowledged either: `closed` is about to be called.
    if (info === null || info === undefined || info.tcpi_state === TCP_CLOSE) return false
    if (this.job.talk.is === 'octets') return info.tcpi_unacked === 0 && !this.isUnsent()
    const agoMs = info.tcpi_last_ack_recv ?? Number.POSITIVE_INFINITY
    return agoMs <= this.port.nowMs() - this.phaseMs
  }

  private isUnsent(): boolean {
    return (this.socket?.unsent() ?? 0) > 0
  }

  private answered(): void {
    if (this.phase === 'after') {
      this.done('ok', null)
      return
    }
    const isFirst = this.phase === 'first'
    if (isFirst) {
      this.heardMs = this.port.nowMs()
      this.firstMs = Math.max(this.firstMs, this.heardMs - this.phaseMs)
    }
    if (this.job.talk.is === 'http' && !this.reader.keepAlive) this.done('unusable', 'not-kept')
    else if (isFirst) this.keepSilent()
    else this.rest()
  }

  /** The silence begins, or the time with a heartbeat. */
  private keepSilent(): void {
    this.silentFromMs = this.port.nowMs()
    this.rest()
  }

  private rest(): void {
    const { silenceMs, heartbeatMs } = this.job.trial
    const left = this.silentFromMs + silenceMs - this.port.nowMs()
    const isLast = heartbeatMs === null || left <= heartbeatMs
    const wait = Math.max(isLast ? left : heartbeatMs, 0)
    const late = () => this.done('silent', null)
    this.enter('silent', wait, () => {
      this.say(isLast ? 'after' : 'heartbeat', this.answerMs(), late)
    })
  }

  private answerMs(): number {
    return ANSWER_MS + TIMES_FIRST * this.firstMs
  }

  private data(octets: Uint8Array): void {
    const { talk } = this.job
    const now = this.port.nowMs()
    if (this.phase === 'silent') {
      // The server spoke by itself: the silence begins anew, unless these are its last words (408, ERR 4031, FATAL).
      this.before = { sentMs: this.sentMs, heardMs: this.heardMs, atMs: now }
      this.sentMs = Math.max(this.sentMs, now - NOTICED_MS)
      this.heardMs = now
      if (this.job.trial.heartbeatMs === null) this.keepSilent()
      return
    }
    if (talk.is === 'mysql') {
      this.mysql(octets)
      return
    }
    if (talk.is !== 'http') {
      if (this.phase === 'first' || this.phase === 'after') this.answered()
      return
    }
    const progress = this.reader.feed(octets)
    if (progress === 'done') this.answered()
    // After the silence any octet shows that the path and the other end are there.
    else if (this.phase === 'after') this.answered()
    else if (progress === 'malformed') this.done('unusable', 'no-http')
  }

  private mysql(octets: Uint8Array): void {
    if (this.phase !== 'first') {
      if (this.phase === 'after' || this.phase === 'heartbeat') this.answered()
      return
    }
    const step = this.logins?.feed(octets) ?? { is: 'more' }
    if (step.is === 'ready') this.answered()
    else if (step.is === 'refused') this.done('unusable', step.why)
    else if (step.is === 'send') {
      this.sentMs = this.port.nowMs()
      this.socket?.write(step.octets)
    }
  }

  private ended(): void {
    if (this.isNotLiked()) this.done('unusable', 'not-liked')
    else this.done(this.isBefore() ? 'unusable' : 'fin', this.isBefore() ? 'fin' : null)
  }

  private isNotLiked(): boolean {
    const { talk, trial } = this.job
    const isSaid = talk.is === 'octets' && this.phase === 'silent'
    const limitMs = Math.min(NOT_LIKED_MS, trial.silenceMs)
    // Not from where the silence begins: last words (FATAL 57P05) begin another.
    return isSaid && this.port.nowMs() - this.saidMs - this.firstMs < limitMs
  }

  private closed(failure: SocketFailure | null): void {
    const code = failure?.code ?? null
    if (this.isNotLiked()) this.done('unusable', 'not-liked')
    else if (this.isBefore()) this.done('unusable', code ?? 'closed')
    // A peer that answers nothing, to keepalive probes or data, becomes ETIMEDOUT.
    else this.done(code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' ? 'silent' : 'reset', code)
  }

  private isBefore(): boolean {
    return this.phase === 'opening' || this.phase === 'first'
  }

  private done(outcome: Outcome, code: string | null): void {
    const now = this.port.nowMs()
    const { trial } = this.job
    const onSend = this.phase === 'after' || this.phase === 'heartbeat'
    const isBroken = trial.heartbeatMs !== null
    const { sentMs, heardMs } = this.beginning(now, onSend)
    const began = isBroken
      ? { least: this.silentFromMs, most: this.silentFromMs }
      : { least: heardMs + DELAYED_ACK_MS, most: sentMs }
    const ended = onSend ? this.sentBetween(outcome, now) : { least: now, most: now }
    this.end({
      ...trial,
      outcome,
      fromMs: Math.max(ended.least - began.least, 0),
      toMs: Math.max(ended.most - began.most, 0),
      onSend,
      code,
      localPort: this.localPort,
      seen: [],
      banner: this.logins?.version ?? this.reader.server,
      via: this.reader.via,
      promisedS: this.reader.timeoutS,
    })
  }

  /** When what was sent after the silence met whoever judged it; a RST was sent by then, however late its sender was. */
  private sentBetween(outcome: Outcome, now: number): { least: number; most: number } {
    const most = outcome === 'reset' ? now : this.saidMs + WROTE_MS
    return { least: this.phaseMs, most: Math.max(most, this.phaseMs) }
  }

  /** What the server says just before it ends the connection does not begin another silence. */
  private beginning(now: number, onSend: boolean): { sentMs: number; heardMs: number } {
    const { before } = this
    const isLast = before !== null && !onSend && now - before.atMs < LAST_WORDS_MS
    return isLast ? before : { sentMs: this.sentMs, heardMs: this.heardMs }
  }

  private end(result: TrialResult | null): void {
    if (this.phase === 'over') return
    this.phase = 'over'
    this.timer?.()
    this.cancelPoll?.()
    for (const cancel of this.cancels) cancel()
    // A FIN into a path that forgot the connection would be sent again for minutes.
    if (result?.outcome === 'silent') this.socket?.reset()
    else this.socket?.close()
    this.resolve(result)
  }
}
