import type { Values } from './types.ts'

const PLACEHOLDER = /\{(\w+)(?::(\w+))?\}/g
/** {name?form when it is 1|form else}; the forms may have placeholders of their own. */
const CHOICE = /\{(\w+)\?((?:[^|{}]|\{[\w:]+\})*)\|((?:[^|{}]|\{[\w:]+\})*)\}/g

/**
 * Fills the placeholders of a template: {name}, {name:format}, and {name?was|were} for what the number of `name` decides.
 * A missing value shows as the placeholder itself: a test looks for those.
 */
export function render(template: string, values: Values): string {
  const chosen = template.includes('?') ? template.replace(CHOICE, choose) : template
  return chosen.replace(PLACEHOLDER, (whole, name: string, format: string | undefined) => {
    const value = values[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? formatNumber(value, format) : value
  })

  function choose(whole: string, name: string, one: string, other: string): string {
    const value = values[name]
    if (value === undefined) return whole
    return value === 1 ? one : other
  }
}

function formatNumber(value: number, format: string | undefined): string {
  if (format === 'ms') return formatDuration(value)
  if (format === 'octets') return formatOctets(value)
  if (format === 'count') return formatCount(value)
  if (format === 'time') return `+${(value / 1000).toFixed(3)} s`
  return String(value)
}

/** 0.4 ms, 12 ms, 1.5 s, 30.01 s, 2 min 5 s, 3 h 20 min. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 1) return `${trim(ms.toFixed(2))} ms`
  if (ms < 10) return `${trim(ms.toFixed(1))} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  const s = ms / 1000
  if (s < 10) return `${trim(s.toFixed(2))} s`
  if (s < 120) return `${trim(s.toFixed(2))} s`
  // Rounded first: 239.7 s is 4 min, not 3 min 60 s.
  const whole = Math.round(s)
  if (whole < 7200) return join(Math.floor(whole / 60), 'min', whole % 60, 's')
  const minutes = Math.round(s / 60)
  return join(Math.floor(minutes / 60), 'h', minutes % 60, 'min')
}

/** 1,798.1 s of 1798135 ms: seconds, to a tenth from 100 s on and to a hundredth below, rounded down or up. */
export function formatSeconds(ms: number, round: 'down' | 'up'): string {
  const parts = ms >= 100_000 ? 10 : 100
  const s = Math[round === 'down' ? 'floor' : 'ceil']((ms / 1000) * parts) / parts
  const [whole = '0', rest] = String(s).split('.')
  return `${formatCount(Number(whole))}${rest === undefined ? '' : `.${rest}`} s`
}

/** 812 octets, 64.0 kB, 10.2 MB (powers of ten). */
export function formatOctets(octets: number): string {
  if (octets === 1) return '1 octet'
  if (octets < 10_000) return `${formatCount(octets)} octets`
  if (octets < 1_000_000) return `${(octets / 1000).toFixed(1)} kB`
  if (octets < 1_000_000_000) return `${(octets / 1e6).toFixed(1)} MB`
  return `${(octets / 1e9).toFixed(1)} GB`
}

/** 1,234,567. */
export function formatCount(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

function trim(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`
}
