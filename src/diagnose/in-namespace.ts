import { netnsName } from '../causes/machine/lookup.ts'
import type { MachineFacts, NetnsSnapshot } from '../evidence/machine.ts'
import type { FixStep, Step } from '../messages/types.ts'
import type { Because } from './report.ts'

/** Tools that see only the network namespace that they run in. */
const OF_A_NAMESPACE =
  /\b(ss|nstat|sysctl|ip|nft|iptables|conntrack|ping|traceroute|tracepath|nc)\b|\/proc\/net\//
const EXPERIMENT = /^(sudo )?tcpwhy probe /
const OURS = /^(sudo )?tcpwhy (diagnose|capture|snapshot)\b(?!.* --(pid|netns|container)\b)/

/**
 * Where a finding on a host is: the namespace that its evidence names; null: that of whoever reads, where commands run as
 * they are, or nothing is told.
 */
export function placeOf(machine: MachineFacts, because: readonly Because[]): string | null {
  const named = because.flatMap((b) => ('netns' in b && b.netns !== undefined ? [b.netns] : []))[0]
  if (named === undefined) return null
  const netns = machine.after.namespaces.find((n) => netnsName(n) === named)
  return netns === undefined || netns.self ? null : pathOf(netns)
}

function pathOf({ name, pids: [pid] }: NetnsSnapshot): string | null {
  if (pid !== undefined) return `/proc/${pid}/ns/net`
  return name === null ? null : `/run/netns/${name}`
}

/** The step with its commands as they must be typed from outside that namespace. */
export function stepThere<T extends Step | FixStep>(step: T, place: string | null): T {
  if (place === null) return step
  const { command } = step
  const verify = 'verify' in step ? step.verify : undefined
  return {
    ...step,
    ...(command === undefined ? {} : { command: commandThere(command, place) }),
    ...(verify === undefined ? {} : { verify: commandThere(verify, place) }),
  }
}

/** `ss -ltn` -> `sudo nsenter --net=/proc/77/ns/net ss -ltn`; what a shell must take apart goes through sh -c. */
export function commandThere(command: string, place: string): string {
  if (EXPERIMENT.test(command)) {
    return `sudo nsenter --net=${place} ${command.replace(/^sudo /, '')}`
  }
  if (OURS.test(command)) return `${command} --netns ${place}`
  if (!OF_A_NAMESPACE.test(command) || /\btcpwhy\b/.test(command)) return command
  const bare = command.replace(/\bsudo /g, '')
  const enter = `sudo nsenter --net=${place}`
  return /[;|&<>$]/.test(bare)
    ? `${enter} sh -c '${bare.replaceAll("'", "'\\''")}'`
    : `${enter} ${bare}`
}
