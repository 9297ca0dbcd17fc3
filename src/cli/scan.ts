import type { Arguments, CommandSpec, OptionSpec } from './spec.ts'

/**
 * The everyday command line, read without commander (whose import costs 16 ms of a 70 ms start; measured, Node 20).
 * @returns null for whatever is not plain: help, a typo, a missing, unlisted or second value. Commander then says what it is;
 *   a test compares both on what this accepts.
 */
export function scan(argv: readonly string[], command: CommandSpec): Arguments | null {
  const options: Record<string, string[]> = {}
  const operands: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') return { options, operands: [...operands, ...argv.slice(i + 1)] }
    if (word === '-' || !word.startsWith('-')) {
      operands.push(word)
      continue
    }
    const spec = findOption(word, command.options)
    if (spec === undefined) return null
    const values = options[spec.name] ?? []
    options[spec.name] = values
    if (spec.value === undefined) continue
    const value = argv[++i]
    if (value === undefined || isOption(value) || !allowed(value, spec)) return null
    if (!spec.repeat && values.length > 0) return null
    values.push(value)
  }
  // Words that it does not take.
  if (command.operands === undefined && operands.length > 0) return null
  return { options, operands }
}

function findOption(word: string, specs: readonly OptionSpec[]): OptionSpec | undefined {
  return specs.find(
    (s) => word === `--${s.name}` || (s.short !== undefined && word === `-${s.short}`),
  )
}

function isOption(word: string): boolean {
  return word.startsWith('-') && word !== '-'
}

function allowed(value: string, spec: OptionSpec): boolean {
  return spec.choices === undefined || spec.choices.includes(value)
}

/** `--between A B` as one word "A B", which is what both parsers understand. */
export function joinPairs(argv: readonly string[], command: CommandSpec): string[] {
  const joined: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    joined.push(word)
    if (word === '--') return [...joined, ...argv.slice(i + 1)]
    const pair = findOption(word, command.options)?.value?.includes(' ') === true
    const [a, b] = [argv[i + 1], argv[i + 2]]
    if (!pair || a === undefined || b === undefined || isOption(a) || isOption(b)) continue
    joined.push(`${a} ${b}`)
    i += 2
  }
  return joined
}
