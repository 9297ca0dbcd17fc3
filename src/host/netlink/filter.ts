// Linux include/uapi/linux/inet_diag.h struct inet_diag_bc_op and net/ipv4/inet_diag.c inet_diag_bc_run, v6.18.

/** Codes that every kernel since 2.6.14 knows (S_EQ and D_EQ came later). */
const JMP = 1
const S_GE = 2
const S_LE = 3
const D_GE = 4
const D_LE = 5

const OP = 4 // u8 code, u8 yes, u16 no: octets to go on, or beyond the end to refuse
/** A comparison is an operation whose port stands where the next one has its `no`. */
const COMPARISON = 2 * OP
/** Two comparisons and a jump for each side. */
const PORT = 2 * (2 * COMPARISON + OP)

/** The kernel counts jumps in 16 bits and refuses longer programs. */
const MAX_PORTS = 500

/**
 * A program by which the kernel gives only sockets that have one of these ports on either side.
 * @returns null when there is nothing to filter, or there are too many ports for a program
 */
export function portFilter(ports: readonly number[], littleEndian: boolean): Uint8Array | null {
  if (ports.length === 0 || ports.length > MAX_PORTS) return null
  const octets = new Uint8Array(ports.length * PORT + OP)
  const view = new DataView(octets.buffer)
  let at = 0
  const op = (code: number, yes: number, no: number) => {
    view.setUint8(at, code)
    view.setUint8(at + 1, yes)
    view.setUint16(at + 2, no, littleEndian)
    at += OP
  }
  const compare = (code: number, port: number, otherwise: number) => {
    op(code, COMPARISON, otherwise)
    op(0, 0, port)
  }
  for (const port of ports) {
    for (const [atLeast, atMost] of [
      [S_GE, S_LE],
      [D_GE, D_LE],
    ] as const) {
      compare(atLeast, port, 2 * COMPARISON + OP)
      compare(atMost, port, COMPARISON + OP)
      op(JMP, OP, octets.length - at) // exactly the end: this one is wanted
    }
  }
  op(JMP, OP, 2 * OP) // beyond the end: not wanted
  return octets
}
