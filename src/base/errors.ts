/**
 * Codes are forever: each is in docs/errors.md with "what to do", and a retired one is not used again.
 * A test compares this list and the page both ways.
 */
export const errorCodes = [
  'BAD_ARGUMENT',
  'BUNDLE_DAMAGED',
  'BUNDLE_NO_MANIFEST',
  'BUNDLE_TOO_BIG',
  'BUNDLE_UNSAFE',
  'BUNDLE_UNSUPPORTED',
  'CAPTURE_BAD_FILTER',
  'CAPTURE_EMPTY',
  'CAPTURE_FAILED',
  'CAPTURE_IS_DIRECTORY',
  'CAPTURE_NOT_FOUND',
  'CAPTURE_NOT_PERMITTED',
  'CAPTURE_NO_INTERFACE',
  'CAPTURE_TOOL_MISSING',
  'CAPTURE_UNKNOWN_FORMAT',
  'CAPTURE_UNREADABLE',
  'CAPTURE_UNSUPPORTED_COMPRESSION',
  'CONNECTION_NOT_FOUND',
  'EXPLAIN_UNKNOWN',
  'EXPORT_UNKNOWN_FORMAT',
  'HOST_NOT_LINUX',
  'LAB_CANNOT_RUN',
  'LAB_FAILED',
  'LAB_KEPT_OTHER',
  'LAB_KEPT_UNREADABLE',
  'LAB_STOPPED',
  'LAB_UNKNOWN',
  'OUTPUT_UNWRITABLE',
  'PROBE_ADDRESS_REFUSED',
  'PROBE_NAME_UNKNOWN',
  'PROBE_NEEDS_SOCKET_OPTIONS',
  'PROBE_NOT_YOURS',
  'PROBE_RESULT_UNKNOWN',
  'QUEUE_VALUES_MISSING',
  'TARGET_AMBIGUOUS',
  'TARGET_NOT_FOUND',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** Something wrong in the world (not in the input's octets, not in our program): what happened and what to do. */
export class TcpwhyError extends Error {
  readonly code: ErrorCode
  /** One sentence that tells the user what to do about it. */
  readonly todo: string

  constructor(code: ErrorCode, message: string, todo: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'TcpwhyError'
    this.code = code
    this.todo = todo
  }
}
