import ts from 'typescript'
import { op } from './wasm.ts'

// TypeScript's operators and the instructions that they become.

export const INT = { load: op.i32Load, store: op.i32Store, align: 2, type: 'i32' } as const
export const FLOAT = { load: op.f64Load, store: op.f64Store, align: 3, type: 'f64' } as const
export const OCTET = { load: op.i32Load8U, store: 0, align: 0, type: 'i32' } as const

const K = ts.SyntaxKind
type Table = { readonly [kind in ts.SyntaxKind]?: number }

export const BINARY_I32: Table = {
  [K.PlusToken]: 0x6a,
  [K.MinusToken]: 0x6b,
  [K.AsteriskToken]: 0x6c,
  [K.PercentToken]: 0x6f,
  [K.AmpersandToken]: 0x71,
  [K.BarToken]: 0x72,
  [K.CaretToken]: 0x73,
  [K.LessThanLessThanToken]: 0x74,
  [K.GreaterThanGreaterThanToken]: 0x75,
  [K.GreaterThanGreaterThanGreaterThanToken]: 0x76,
}
/** Their operands are int32 whatever they look like. */
export const BITS: ReadonlySet<ts.SyntaxKind> = new Set([
  K.AmpersandToken,
  K.BarToken,
  K.CaretToken,
  K.LessThanLessThanToken,
  K.GreaterThanGreaterThanToken,
  K.GreaterThanGreaterThanGreaterThanToken,
])
export const BINARY_F64: Table = {
  [K.PlusToken]: 0xa0,
  [K.MinusToken]: 0xa1,
  [K.AsteriskToken]: 0xa2,
  [K.SlashToken]: 0xa3,
}
export const F64_MATH: Readonly<Record<string, number>> = { min: 0xa4, max: 0xa5 }
export const F64_UNARY: Readonly<Record<string, number>> = { abs: 0x99, ceil: 0x9b }
export const COMPARE_I32: Table = {
  [K.EqualsEqualsEqualsToken]: 0x46,
  [K.ExclamationEqualsEqualsToken]: 0x47,
  [K.LessThanToken]: 0x48,
  [K.GreaterThanToken]: 0x4a,
  [K.LessThanEqualsToken]: 0x4c,
  [K.GreaterThanEqualsToken]: 0x4e,
}
/** Of an instruction of COMPARE_I32, the one that is true when it is not. */
const OPPOSITES: readonly [number, number][] = [
  [0x46, 0x47],
  [0x48, 0x4e],
  [0x4a, 0x4c],
]
export const OPPOSITE: ReadonlyMap<number, number> = new Map(
  OPPOSITES.flatMap(([one, other]) => [
    [one, other],
    [other, one],
  ]),
)
export const COMPARE_F64: Table = {
  [K.EqualsEqualsEqualsToken]: 0x61,
  [K.ExclamationEqualsEqualsToken]: 0x62,
  [K.LessThanToken]: 0x63,
  [K.GreaterThanToken]: 0x64,
  [K.LessThanEqualsToken]: 0x65,
  [K.GreaterThanEqualsToken]: 0x66,
}

/** The operator inside `a op= b`. */
export const ASSIGNING: { readonly [kind in ts.SyntaxKind]?: ts.SyntaxKind } = {
  [K.PlusEqualsToken]: K.PlusToken,
  [K.MinusEqualsToken]: K.MinusToken,
  [K.AmpersandEqualsToken]: K.AmpersandToken,
  [K.BarEqualsToken]: K.BarToken,
  [K.CaretEqualsToken]: K.CaretToken,
}
