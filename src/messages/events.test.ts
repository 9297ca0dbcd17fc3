import { expect, test } from 'vitest'
import type { EventsMissingAdds, EventsMissingWhy } from '../host/events.ts'
import type { ResetCause, ResetDecider } from '../host/reset-story.ts'
import { eventWords } from './en/events.ts'
import { resetWords } from './en/resets.ts'
import { render } from './render.ts'

// That each has a sentence, and there is none besides, the type check says.
const why: Record<EventsMissingWhy, string> = eventWords.why
const adds: Record<EventsMissingAdds, string> = eventWords.adds
const causes: Record<ResetCause, string> = resetWords.cause
const deciders: Record<ResetDecider, string> = resetWords.decides
const sentence = (values: {
  what: string
  why: EventsMissingWhy
  adds: EventsMissingAdds
  detail: string
}) =>
  render(eventWords.missing, {
    what: values.what,
    why: render(why[values.why], { detail: values.detail }),
    adds: adds[values.adds],
  })

test('what could not be watched is a sentence with what it would have told', () => {
  const of = {
    what: 'tracefs',
    why: 'denied',
    adds: 'everything',
    detail: '/sys/kernel/tracing',
  } as const
  expect(sentence(of)).toBe(
    'tracefs: /sys/kernel/tracing is for root. Run with sudo; in a container, as root of the host with CAP_SYS_ADMIN. ' +
      'Without it: resets with their reason and process, retransmissions, drops, failed calls.',
  )
})

test.each(Object.keys(why) as EventsMissingWhy[])('%s: no placeholder is left', (id) => {
  expect(sentence({ what: 'x', why: id, adds: 'times', detail: '6.1.0' })).not.toMatch(/[{}]/)
})

test('of resets, each cause and each decider is told in one line', () => {
  for (const words of [...Object.values(causes), ...Object.values(deciders)]) {
    expect(words).toMatch(/^[\w'].{10,}[^.]$/)
  }
})
