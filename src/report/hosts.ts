import type { HostComparison } from '../diagnose/hosts/comparison.ts'
import { hostWords as words } from '../messages/en/hosts.ts'
import { render as fill } from '../messages/render.ts'

const SHOWN = 12

/** What several hosts have in common and what not, a sentence each, for every format. */
export function comparisonTexts(comparison: HostComparison): string[] {
  const { sick, healthy, differences, sharedPeers, clients } = comparison
  const some = (names: readonly string[]) => (names.length === 0 ? words.nobody : names.join(', '))
  return [
    fill(words.groups, { sick: some(sick), healthy: some(healthy) }),
    ...sharedPeers.map(({ peer, hosts }) =>
      fill(words.peer, {
        peer,
        hosts: hosts
          .filter(({ connections }) => connections > 0)
          .map(({ longestMs, ...one }) => fill(words.peerHost, { ...one, longest: longestMs }))
          .join('; '),
      }),
    ),
    ...differences.slice(0, SHOWN).map(({ what, values, separates }) =>
      fill(separates ? words.separates : words.differs, {
        what,
        values: values.map((one) => fill(words.value, { ...one })).join(', '),
      }),
    ),
    ...clients.slice(0, SHOWN).map(({ client, hosts }) =>
      fill(words.client, {
        client,
        hosts: hosts.map((one) => fill(words.clientHost, { ...one })).join('; '),
      }),
    ),
  ]
}
