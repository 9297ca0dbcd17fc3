import type { CauseId } from '../causes/ids.ts'
import type { Expects, Outcome } from './types.ts'

/**
 * What tcpwhy was given: captures only, or only the live host, without and with the packets that it captures meanwhile.
 * all: those of both ends and that of the router or load balancer between them, where the story has one.
 */
export type EvidenceSet = 'client' | 'server' | 'both' | 'all' | 'live' | 'live-packets'

/**
 * Whether the kernels that sent the resets of the accused connections did so for the reason that was concluded.
 * no-reset: none of them was reset. no-claim: nothing was concluded, or a cause that says nothing of resets.
 */
export interface KernelAgreement {
  is: 'agrees' | 'disagrees' | 'no-reset' | 'no-claim' | 'not-watched'
  /** Connections of which a reset fits, of those that have one. */
  fitting: number
  of: number
  /** What made the resets, as the kernels tell it (src/host/reset-story.ts), by connections; 'elsewhere': no end's kernel did. */
  makers: Record<string, number>
}

/**
 * Whether the kernel told of dropped packets (skb:kfree_skb) when those of the accused connections passed, for a reason that the
 * conclusion means. some: with less than half of them. not-told: with none. no-claim: nothing was concluded, or a cause that means
 * no drop that Linux tells of. The event names no address, so it never disagrees. no-tracepoint: this kernel gives no reasons (before 5.17).
 */
export interface DropAgreement {
  is: 'agrees' | 'some' | 'not-told' | 'no-claim' | 'no-tracepoint' | 'not-watched'
  /** Connections with a fitting drop, of all accused. */
  fitting: number
  of: number
  /** Those reasons, by connections. */
  reasons: Record<string, number>
}

/**
 * right: the expected cause is first and sure. enough: as near as these sources come, which the scenario allows.
 * undecided: said to be unsure. unseen: nothing of it is in this evidence, and nothing wrong was claimed.
 * wrong: a sure claim that is not true. variant: the cause is right, its variant is not.
 */
export type Judged = 'right' | 'variant' | 'enough' | 'undecided' | 'unseen' | 'wrong'

export interface Concluded {
  evidence: EvidenceSet
  judged: Judged
  verdict: 'healthy' | 'benign' | 'problem' | 'inconclusive'
  headline: string
  findings: {
    cause: CauseId
    variant?: string
    certainty: 'confirmed' | 'likely' | 'possible'
    severity: 'problem' | 'notice' | 'benign'
    title: string
    culprit: string
  }[]
}

/** `tcpwhy lab run --json`; fields are added, never renamed. Schema: schema/tcpwhy.lab.1.json. */
export interface LabReport {
  schema: 'tcpwhy.lab/1'
  tool: { name: 'tcpwhy'; version: string }
  scenario: string
  variant: string
  title: string
  fault: string
  expected: Expects
  /** With the fault: whether the symptom was there, and its numbers. */
  reproduced: Outcome
  /** One entry for each set of evidence, blind: tcpwhy is not told what was done. */
  concluded: Concluded[]
  /** What this kernel said of the RSTs that it built; null where it does not tell. */
  kernel: { state: string; reason: string; count: number; process: string | null }[] | null
  /** Compared with what was concluded from the best captures. */
  agreement: KernelAgreement
  /** The same for packets that it dropped. */
  drops: DropAgreement
  /** With --fix: the same with the fix. */
  fix: string | null
  fixed: Outcome | null
  /** What is said, blind, of the captures with the fix; null without --fix. */
  fixedConcluded: Pick<Concluded, 'verdict' | 'headline'> | null
  /** Reproduced, the expected cause first with all captures, and (with --fix) the symptom gone. */
  isAsExpected: boolean
  /** What was odd: packets that tcpdump lost, what could not be undone. */
  faults: string[]
  seconds: number
}

/** `tcpwhy lab score --json`: every story, and what was concluded from each set of evidence. */
export interface LabScore {
  schema: 'tcpwhy.lab-score/1'
  tool: { name: 'tcpwhy'; version: string }
  kernel: string
  /** How often each story was played, at most. */
  runs: number
  /** Ctrl-C: what was played by then. */
  isInterrupted: boolean
  rows: ScoreRow[]
  /** Sure claims that were not true, over all rows, runs and sets of evidence. */
  wrong: number
  /** Of each run: the time in which something was played, and the longest story. */
  took: { run: number; seconds: number; longest: { story: string; seconds: number } }[]
  seconds: number
}

export interface ScoreRow {
  scenario: string
  variant: string
  /** Written by somebody who had not seen how the causes are found; absent: by their authors. */
  author?: 'fresh-eyes'
  expected: Expects
  /** Runs did not all give the same answers. */
  isUnstable: boolean
  /** One entry a run. */
  runs: ScoreRun[]
}

/** One story, played once. */
export interface ScoreRun {
  isReproduced: boolean
  /** Judgement and first finding of each set of evidence. */
  concluded: {
    evidence: EvidenceSet
    judged: Judged
    verdict: Concluded['verdict']
    headline: string
    first: string | null
    certainty: 'confirmed' | 'likely' | 'possible' | null
  }[]
  /** The kernel's own reasons, most frequent first. */
  kernel: string[] | null
  /** null: it could not be played. */
  agreement: KernelAgreement | null
  /** The same for packets that it dropped; files of earlier versions have none. */
  drops?: DropAgreement | null
  /** It could not be played: why. */
  failed: string | null
  /** Milliseconds since 1970. */
  fromMs: number
  seconds: number
}

/** `lab score --keep DIR`: what is left of one story of one run, in a file of its own. */
export interface KeptRun {
  schema: 'tcpwhy.lab-kept/1'
  tool: { name: 'tcpwhy'; version: string }
  /** Of the tcpwhy that played it (`buildId`); files of earlier versions have none. */
  build?: string
  kernel: string
  run: number
  scenario: string
  variant: string
  played: ScoreRun
}
