import type { Dissector } from '../dissector.ts'
import type { DissectorTables } from '../walk.ts'
import { ah } from './ah.ts'
import { erspan } from './erspan.ts'
import { ethernet } from './ethernet.ts'
import { fddi } from './fddi.ts'
import { geneve } from './geneve.ts'
import { gre } from './gre.ts'
import { gtp } from './gtp.ts'
import { icmp } from './icmp.ts'
import { icmpv6 } from './icmpv6.ts'
import { ipv4 } from './ipv4.ts'
import { ipv6 } from './ipv6.ts'
import { llc } from './llc.ts'
import { mpls } from './mpls.ts'
import { nflog } from './nflog.ts'
import { nullLink } from './null.ts'
import { pbb } from './pbb.ts'
import { pktap } from './pktap.ts'
import { ppp } from './ppp.ts'
import { pppoe } from './pppoe.ts'
import { raw } from './raw.ts'
import { sll } from './sll.ts'
import { sll2 } from './sll2.ts'
import { tcp } from './tcp.ts'
import { udp } from './udp.ts'
import { vlan } from './vlan.ts'
import { vntag } from './vntag.ts'
import { vxlan } from './vxlan.ts'

/** Every layer that is understood, sorted by id. */
export const dissectors = [
  ah,
  erspan,
  ethernet,
  fddi,
  geneve,
  gre,
  gtp,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  llc,
  mpls,
  nflog,
  nullLink,
  pbb,
  pktap,
  ppp,
  pppoe,
  raw,
  sll,
  sll2,
  tcp,
  udp,
  vlan,
  vntag,
  vxlan,
] as const satisfies readonly Dissector[]

/** Which dissector reads which number. The first in the list wins; a test says that no number has two. */
export function dissectorTables(): DissectorTables {
  return {
    links: tableOf((dissector) => dissector.links),
    etherTypes: tableOf((dissector) => dissector.etherTypes),
    pppProtocols: tableOf((dissector) => dissector.pppProtocols),
    ipProtocols: tableOf((dissector) => dissector.ipProtocols),
    udpPorts: tableOf((dissector) => dissector.udpPorts),
  }
}

function tableOf(
  numbersOf: (dissector: Dissector) => readonly number[] | undefined,
): Map<number, Dissector> {
  const table = new Map<number, Dissector>()
  for (const dissector of dissectors) {
    for (const number of numbersOf(dissector) ?? []) {
      if (!table.has(number)) table.set(number, dissector)
    }
  }
  return table
}
