import { TcpwhyError } from '../base/errors.ts'

/** @throws TcpwhyError BAD_ARGUMENT */
export function processId(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  const todo = 'Give the number of a process, as pgrep or ps print it.'
  throw new TcpwhyError('BAD_ARGUMENT', `--pid ${text} is not the id of a process`, todo)
}
