import { readdirSync, statSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { kindOfAddress } from '../../base/address-kind.ts'
import { TcpwhyError } from '../../base/errors.ts'
import { LAB_PREFIX } from '../../lab/stage/slot.ts'
import type { ProbeAddress, ProbePort } from '../../probe/port.ts'
import type { Plan } from '../../probe/report.ts'

/** What every experiment is told from outside. */
export interface ProbeHooks {
  /** Called before anything is sent. */
  onPlan?: (plan: Plan) => Promise<void> | void
  /** Ctrl-C: it ends, with what is known. */
  stop?: AbortSignal
  /** `--yes-i-own-this` */
  owned?: boolean
}

/** More connections or requests a second than these are asked about, and any at all to addresses that are nobody's own. */
const GENTLE_PER_SECOND = 50

export async function addressOf(host: string, port: ProbePort): Promise<ProbeAddress> {
  const [first] = await port.resolve(host)
  if (first !== undefined) return first
  throw new TcpwhyError(
    'PROBE_NAME_UNKNOWN',
    `The name ${host} has no address`,
    'Check its spelling and the resolver (getent hosts NAME), or give an address.',
  )
}

/** @throws TcpwhyError PROBE_ADDRESS_REFUSED, PROBE_NOT_YOURS */
export function permit(
  addresses: readonly ProbeAddress[],
  plan: Plan,
  { owned = false }: ProbeHooks,
): void {
  const isAllowed = owned || isLabNamespace()
  for (const { address } of addresses) {
    const kind = isOwnBroadcast(address) ? 'broadcast' : kindOfAddress(address)
    if (kind === 'loopback') continue
    if (kind !== 'private' && kind !== 'public') throw refused(address, kind)
    if (isAllowed) continue
    const { perSecond } = plan
    if (kind === 'public') throw notYours(`${address} is no private address`)
    if (perSecond === null || perSecond > GENTLE_PER_SECOND) {
      const rate = perSecond === null ? 'as fast as answers come' : `${perSecond} a second`
      throw notYours(`Connections or requests to ${address}, ${rate}, are a load test`)
    }
  }
}

/** This process is in a network that `tcpwhy lab` made: nothing leaves it. */
export function isLabNamespace(folder = '/run/netns', own = '/proc/self/ns/net'): boolean {
  try {
    const { dev, ino } = statSync(own)
    const names = readdirSync(folder).filter((name) => LAB_NAMESPACE.test(name))
    return names.some((name) => {
      const namespace = statSync(`${folder}/${name}`)
      return namespace.ino === ino && namespace.dev === dev
    })
  } catch {
    return false
  }
}

const LAB_NAMESPACE = new RegExp(`^${LAB_PREFIX}\\d+-`)

function refused(address: string, kind: string): TcpwhyError {
  return new TcpwhyError(
    'PROBE_ADDRESS_REFUSED',
    `${address} is ${kind === 'unspecified' ? 'an' : 'a'} ${kind} address: tcpwhy sends nothing there`,
    'Give the address of one host.',
  )
}

function notYours(what: string): TcpwhyError {
  return new TcpwhyError(
    'PROBE_NOT_YOURS',
    what,
    `Add --yes-i-own-this if the target is yours or its owner agreed; up to ${GENTLE_PER_SECOND} a second to private addresses go without.`,
  )
}

/** The broadcast address of one of this host's own networks, 10.0.0.255 of 10.0.0.0/24. */
function isOwnBroadcast(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own.some(({ family, address: local, netmask }) => {
    if (family !== 'IPv4') return false
    const mask = word(netmask)
    // RFC 3021: networks of /31 and /32 have none.
    return ~mask >>> 0 > 1 && word(address) === (word(local) | ~mask) >>> 0
  })
}

function word(ipv4: string): number {
  return ipv4.split('.').reduce((sum, part) => ((sum << 8) | Number(part)) >>> 0, 0)
}
