import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { TcpwhyError } from '../base/errors.ts'
import { nearest } from '../report/explain/nearest.ts'
import { commands } from './commands/index.ts'

/** Names in one folder that are compared; a folder with more of them is not searched to its end. */
const MAX_NAMES = 5000

/** The error about a file that is not there, with the command or file that was probably meant. */
export function withSuggestion(error: unknown, inputs: readonly string[]): unknown {
  if (!(error instanceof TcpwhyError) || error.code !== 'CAPTURE_NOT_FOUND') return error
  const missing = inputs.find((input) => input !== '-' && !existsSync(input))
  const meant = missing === undefined ? undefined : (commandLike(missing) ?? fileLike(missing))
  if (meant === undefined) return error
  const { cause } = error
  return new TcpwhyError(error.code, error.message, `Did you mean ${meant}?`, { cause })
}

/** The error about a scenario that there is not, with the one that was probably meant. */
export function withScenario(error: unknown, id: string, ids: readonly string[]): unknown {
  if (!(error instanceof TcpwhyError) || error.code !== 'LAB_UNKNOWN') return error
  const [near] = ids.includes(id) ? [] : nearest(id.toLowerCase(), ids, 1)
  if (near === undefined) return error
  const { cause } = error
  return new TcpwhyError(error.code, error.message, `Did you mean ${near}? ${error.todo}`, {
    cause,
  })
}

function commandLike(word: string): string | undefined {
  if (!/^[a-z-]+$/i.test(word)) return undefined
  const names = commands.map(({ name }) => name.split(' ')[0] ?? name)
  const [name] = nearest(word.toLowerCase(), names, 1)
  return name === undefined ? undefined : `tcpwhy ${name}`
}

function fileLike(path: string): string | undefined {
  const folder = dirname(path)
  const [name] = nearest(basename(path), namesIn(folder), 1)
  return name === undefined ? undefined : join(folder, name)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).slice(0, MAX_NAMES)
  } catch {
    return []
  }
}
