import ts from 'typescript'
import {
  BINARY_F64,
  BINARY_I32,
  BITS,
  COMPARE_F64,
  COMPARE_I32,
  F64_MATH,
  F64_UNARY,
  FLOAT,
  INT,
  OCTET,
  OPPOSITE,
} from './operators.ts'
import {
  type Erased,
  type Exits,
  type LocalBinding,
  type Scope,
  signatureOf,
  unsupported,
} from './scope.ts'
import type { Body, Sources } from './sources.ts'
import { blockType, f64Const, i32Const, memory, op, type Type, u32 } from './wasm.ts'

export interface Code {
  /** null = no value. */
  type: Type | null
  bytes: number[]
}

/** Where things lie in memory: octets. */
export interface Layout {
  /** Of the packet's fields. */
  packet: Readonly<Record<string, number>>
  /** Of what objects keep in fields of their own: "advanced". */
  fields: Readonly<Record<string, number>>
}

export interface Context {
  sources: Sources
  layout: Layout
  /** Index of the function, which is compiled if it is not yet. */
  call(body: Body): number
  /**
   * The body put in place of a call; null = it is called.
   * @param args  the locals that are passed, where it is nothing but one
   */
  inlined(call: {
    body: Body
    host: Scope
    args: readonly (LocalBinding | null)[]
    exits: Exits | null
  }): { code: number[]; params: readonly (number | null)[] } | null
}

/** TypeScript's expressions on numbers -> WebAssembly. What is not of the subset is refused, never guessed. */
export class Expressions {
  readonly context: Context
  readonly scope: Scope

  constructor(context: Context, scope: Scope) {
    this.context = context
    this.scope = scope
  }

  /** As i32: a truth value where `node` is a condition. */
  i32(node: ts.Expression): number[] {
    const value = this.literal(node)
    if (value !== null && Number.isInteger(value) && Math.abs(value) < 2 ** 32)
      return i32Const(value)
    return as('i32', this.any(node), node)
  }

  f64(node: ts.Expression): number[] {
    const value = this.literal(node)
    return value !== null ? f64Const(value) : as('f64', this.any(node), node)
  }

  typed(type: Type, node: ts.Expression): number[] {
    return type === 'i32' ? this.i32(node) : this.f64(node)
  }

  any(node: ts.Expression): Code {
    const value = this.literal(node)
    if (value !== null) {
      const small = Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31
      return small ? i32(i32Const(value)) : { type: 'f64', bytes: f64Const(value) }
    }
    if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)) {
      return this.any(node.expression)
    }
    if (ts.isIdentifier(node)) return this.name(node)
    if (ts.isElementAccessExpression(node)) return this.element(node)
    if (ts.isPropertyAccessExpression(node)) return this.property(node)
    if (ts.isPrefixUnaryExpression(node)) return this.prefix(node)
    if (ts.isBinaryExpression(node)) return this.binary(node)
    if (ts.isConditionalExpression(node)) return this.conditional(node)
    if (ts.isCallExpression(node)) return this.call(node)
    throw unsupported(node, 'this kind of expression')
  }

  /** What an expression that is no number stands for; null = a number. */
  erased(node: ts.Expression): Erased | { className: string; file: string } | null {
    if (node.kind === ts.SyntaxKind.ThisKeyword) {
      return { className: this.scope.className!, file: this.scope.file }
    }
    if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)) {
      return this.erased(node.expression)
    }
    if (ts.isPropertyAccessExpression(node)) {
      const name = node.name.text
      return name === 'ints' || name === 'floats' || name === 'rows' ? name : null
    }
    if (!ts.isIdentifier(node)) return null
    const binding = this.scope.lookup(node.text)
    if (binding === null || binding.is === 'local') return null
    return binding.is === 'object' ? binding : binding.is
  }

  /** Octet address of an element or field, and what is kept there. */
  place(node: ts.Expression): {
    address: number[]
    offset: number
    load: number
    store: number
    align: number
    type: Type
  } | null {
    if (ts.isNonNullExpression(node)) return this.place(node.expression)
    if (ts.isElementAccessExpression(node)) return this.elementPlace(node)
    if (!ts.isPropertyAccessExpression(node)) return null
    const of = this.erased(node.expression)
    const name = node.name.text
    if (of === 'packet') return this.fixed(this.context.layout.packet[name], name === 'tNs', node)
    if (of !== null && typeof of === 'object')
      return this.fixed(this.context.layout.fields[name], false, node)
    return null
  }

  private fixed(offset: number | undefined, isFloat: boolean, node: ts.Node) {
    if (offset === undefined) throw unsupported(node, 'a field without a place in memory')
    const words = isFloat ? FLOAT : INT
    return { address: i32Const(0), offset, ...words }
  }

  private elementPlace(node: ts.ElementAccessExpression) {
    const array = this.erased(node.expression)
    const index = node.argumentExpression
    if (array === 'ints') return { ...this.scaled(index, 2), ...INT }
    if (array === 'bytes') return { ...this.scaled(index, 0), ...OCTET }
    if (array !== 'floats') throw unsupported(node, 'an element of something else')
    // floats[(x + C) >> 1], where x + C is even: the address is that of word x + C.
    const halved = unwrapped(index)
    if (
      ts.isBinaryExpression(halved) &&
      halved.operatorToken.kind === ts.SyntaxKind.GreaterThanGreaterThanToken
    ) {
      if (this.literal(halved.right) === 1) return { ...this.scaled(halved.left, 2), ...FLOAT }
    }
    return { ...this.scaled(index, 3), ...FLOAT }
  }

  /** index << shift, with a constant part as the instruction's offset. */
  private scaled(index: ts.Expression, shift: number): { address: number[]; offset: number } {
    const sum = unwrapped(index)
    if (ts.isBinaryExpression(sum) && sum.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      const constant = this.literal(sum.right)
      if (constant !== null && constant >= 0) {
        const inner = this.scaled(sum.left, shift)
        return { address: inner.address, offset: inner.offset + (constant << shift) }
      }
    }
    const known = shift === 2 ? this.local(sum)?.address : undefined
    if (known !== undefined) return { address: [op.localGet, ...u32(known)], offset: 0 }
    const address = this.i32(index)
    if (shift > 0)
      address.push(...i32Const(shift), BINARY_I32[ts.SyntaxKind.LessThanLessThanToken]!)
    return { address, offset: 0 }
  }

  private literal(node: ts.Expression): number | null {
    if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''))
    if (node.kind === ts.SyntaxKind.TrueKeyword) return 1
    if (node.kind === ts.SyntaxKind.FalseKeyword) return 0
    if (ts.isParenthesizedExpression(node)) return this.literal(node.expression)
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.MinusToken) {
      const value = this.literal(node.operand)
      return value === null ? null : -value
    }
    if (ts.isBinaryExpression(node)) {
      const a = this.literal(node.left)
      const b = a === null ? null : this.literal(node.right)
      const bits = node.operatorToken.kind
      if (a === null || b === null) return null
      if (bits === ts.SyntaxKind.BarToken) return a | b
      if (bits === ts.SyntaxKind.LessThanLessThanToken) return a << b
      if (bits === ts.SyntaxKind.PlusToken) return a + b
      return null
    }
    const { sources } = this.context
    if (ts.isIdentifier(node)) {
      return this.scope.lookup(node.text) === null
        ? sources.constant(this.scope.file, node.text)
        : null
    }
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      if (this.scope.lookup(node.expression.text) !== null) return null
      return sources.constant(this.scope.file, node.name.text, node.expression.text)
    }
    return null
  }

  private name(node: ts.Identifier): Code {
    const binding = this.scope.lookup(node.text)
    if (binding?.is !== 'local') throw unsupported(node, 'not a number')
    return { type: binding.type, bytes: [op.localGet, ...u32(binding.index)] }
  }

  private element(node: ts.ElementAccessExpression): Code {
    const { address, offset, load, align, type } = this.elementPlace(node)
    return { type, bytes: [...address, ...memory(load, align, offset)] }
  }

  private property(node: ts.PropertyAccessExpression): Code {
    if (this.erased(node.expression) === 'rows' && node.name.text === 'at') {
      return i32([op.globalGet, 0])
    }
    const place = this.place(node)
    if (place === null) throw unsupported(node, 'this property')
    return {
      type: place.type,
      bytes: [...place.address, ...memory(place.load, place.align, place.offset)],
    }
  }

  private prefix(node: ts.PrefixUnaryExpression): Code {
    switch (node.operator) {
      case ts.SyntaxKind.ExclamationToken:
        return i32([...this.condition(node.operand), op.i32Eqz])
      case ts.SyntaxKind.TildeToken:
        return i32([
          ...this.i32(node.operand),
          ...i32Const(-1),
          BINARY_I32[ts.SyntaxKind.CaretToken]!,
        ])
      case ts.SyntaxKind.MinusToken:
        return i32([
          ...i32Const(0),
          ...this.i32(node.operand),
          BINARY_I32[ts.SyntaxKind.MinusToken]!,
        ])
      default:
        throw unsupported(node, 'this operator')
    }
  }

  condition(node: ts.Expression): number[] {
    const code = this.any(node)
    if (code.type !== 'f64') return as('i32', code, node)
    return [...code.bytes, ...f64Const(0), COMPARE_F64[ts.SyntaxKind.ExclamationEqualsEqualsToken]!]
  }

  /**
   * Leaves `depth` + 1 blocks if the truth of `node` is `when`, else goes on. No truth value is made: that takes V8's compilers
   * time, and the processor.
   */
  branch(node: ts.Expression, depth: number, when: boolean): number[] {
    if (ts.isNonNullExpression(node) || ts.isParenthesizedExpression(node)) {
      return this.branch(node.expression, depth, when)
    }
    const value = this.literal(node)
    if (value !== null) return (value !== 0) === when ? [op.br, ...u32(depth)] : []
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      return this.branch(node.operand, depth, !when)
    }
    if (ts.isBinaryExpression(node)) return this.branchOnBinary(node, depth, when)
    const body = ts.isCallExpression(node) ? this.bodyOf(node) : null
    if (body !== null && ts.isCallExpression(node)) {
      const exits = when ? { yes: depth + 1, no: 0 } : { yes: 0, no: depth + 1 }
      const inside = this.put(body, node, exits)
      if (inside !== null) return [op.block, blockType(null), ...inside.bytes, op.end]
    }
    return [...this.condition(node), ...(when ? [] : [op.i32Eqz]), op.brIf, ...u32(depth)]
  }

  private branchOnBinary(node: ts.BinaryExpression, depth: number, when: boolean): number[] {
    const kind = node.operatorToken.kind
    const isAnd = kind === ts.SyntaxKind.AmpersandAmpersandToken
    if (isAnd || kind === ts.SyntaxKind.BarBarToken) {
      // One of the two decides: a && b is not true, a || b is true.
      if (isAnd !== when) {
        return [...this.branch(node.left, depth, when), ...this.branch(node.right, depth, when)]
      }
      return [
        ...[op.block, blockType(null), ...this.branch(node.left, 0, !when)],
        ...[...this.branch(node.right, depth + 1, when), op.end],
      ]
    }
    const code = this.condition(node)
    const last = code.at(-1)!
    const opposite = when || COMPARE_I32[kind] !== last ? undefined : OPPOSITE.get(last)
    if (opposite !== undefined) return [...code.slice(0, -1), opposite, op.brIf, ...u32(depth)]
    return [...code, ...(when ? [] : [op.i32Eqz]), op.brIf, ...u32(depth)]
  }

  private binary(node: ts.BinaryExpression): Code {
    const kind = node.operatorToken.kind
    if (kind === ts.SyntaxKind.AmpersandAmpersandToken) {
      const rest = [...this.condition(node.right)]
      const first = this.condition(node.left)
      return i32([...first, op.if, blockType('i32'), ...rest, op.else, ...i32Const(0), op.end])
    }
    if (kind === ts.SyntaxKind.BarBarToken) return this.or(node)
    const bits = BITS.has(kind)
    const left = bits ? i32(this.i32(node.left)) : this.any(node.left)
    const right = bits ? i32(this.i32(node.right)) : this.any(node.right)
    return this.combine(kind, { left, right }, node)
  }

  /** @param operands in the order of the source */
  combine(
    kind: ts.SyntaxKind,
    operands: { left: Code; right: Code },
    node: ts.BinaryExpression,
  ): Code {
    const { left, right } = operands
    const floats = left.type === 'f64' || right.type === 'f64' || kind === ts.SyntaxKind.SlashToken
    const instruction = (floats ? BINARY_F64 : BINARY_I32)[kind]
    const compare = (floats ? COMPARE_F64 : COMPARE_I32)[kind]
    const type = floats ? 'f64' : 'i32'
    const both = [...this.coerced(type, left, node.left), ...this.coerced(type, right, node.right)]
    if (instruction !== undefined) return { type, bytes: [...both, instruction] }
    if (compare !== undefined) return i32([...both, compare])
    throw unsupported(node, 'this operator')
  }

  private coerced(type: Type, code: Code, node: ts.Expression): number[] {
    const value = type === 'f64' ? this.literal(node) : null
    return value === null ? as(type, code, node) : f64Const(value)
  }

  /** a || b, of numbers too. */
  private or(node: ts.BinaryExpression): Code {
    const left = this.any(node.left)
    const type = left.type ?? 'i32'
    const kept = this.scope.local(type)
    const truth =
      type === 'i32'
        ? []
        : [...f64Const(0), COMPARE_F64[ts.SyntaxKind.ExclamationEqualsEqualsToken]!]
    return {
      type,
      bytes: [
        ...[...left.bytes, op.localTee, ...u32(kept), ...truth],
        ...[op.if, blockType(type), op.localGet, ...u32(kept), op.else],
        ...[...this.typed(type, node.right), op.end],
      ],
    }
  }

  private conditional(node: ts.ConditionalExpression): Code {
    const [yes, no] = [this.any(node.whenTrue), this.any(node.whenFalse)]
    const type = yes.type === 'f64' || no.type === 'f64' ? 'f64' : 'i32'
    const [a, b] = [this.coerced(type, yes, node.whenTrue), this.coerced(type, no, node.whenFalse)]
    const otherwise = this.branch(node.condition, 0, false)
    return {
      type,
      bytes: [
        ...[op.block, blockType(type), op.block, blockType(null), ...otherwise],
        ...[...a, op.br, 1, op.end, ...b, op.end],
      ],
    }
  }

  call(node: ts.CallExpression): Code {
    const body = this.bodyOf(node)
    if (body === null) return this.instruction(node)
    const inlined = this.put(body, node, null)
    if (inlined !== null) return inlined
    const { result } = signatureOf(body)
    const passed = this.passed(body, node).flatMap(({ bytes }) => bytes)
    return { type: result, bytes: [...passed, op.call, ...u32(this.context.call(body))] }
  }

  /** What is called; null = something that is an instruction, or a few. */
  private bodyOf(node: ts.CallExpression): Body | null {
    const callee = node.expression
    const { sources } = this.context
    if (ts.isIdentifier(callee)) return sources.function(this.scope.file, callee.text)
    if (!ts.isPropertyAccessExpression(callee)) throw unsupported(node, 'this call')
    const of = this.erased(callee.expression)
    if (of === null || typeof of === 'string') return null
    return sources.method(of.file, of.className, callee.name.text)
  }

  private instruction(node: ts.CallExpression): Code {
    const callee = node.expression as ts.PropertyAccessExpression
    const name = callee.name.text
    if (callee.expression.getText() === 'Math') return this.math(name, node)
    const of = this.erased(callee.expression)
    if (of === 'view') return this.bigEndian(name, node)
    if (of === 'ints' && name === 'copyWithin') return this.copyWithin(node)
    if (of === 'ints' && name === 'fill') return this.fill(node)
    throw unsupported(node, 'this call')
  }

  /** The body in place of its call. @returns null when it is not to be put there */
  private put(body: Body, node: ts.CallExpression, exits: Exits | null): Code | null {
    const args = body.node.parameters.map((_, i) => this.local(node.arguments[i]))
    const inlined = this.context.inlined({ body, host: this.scope, args, exits })
    if (inlined === null) return null
    const { params, code } = inlined
    const passed = this.passed(body, node).filter((_, i) => params[i] !== null)
    const into = params
      .filter((index) => index !== null)
      .toReversed()
      .flatMap((index) => [op.localSet, ...u32(index)])
    const bytes = [...passed.flatMap((one) => one.bytes), ...into, ...code]
    return { type: exits === null ? signatureOf(body).result : null, bytes }
  }

  private local(node: ts.Expression | undefined): LocalBinding | null {
    if (node === undefined || !ts.isIdentifier(node)) return null
    const binding = this.scope.lookup(node.text)
    return binding?.is === 'local' ? binding : null
  }

  /** The numbers among the arguments. */
  private passed(body: Body, node: ts.CallExpression): Code[] {
    const passed: Code[] = []
    for (const [i, type] of signatureOf(body).params.entries()) {
      const argument = node.arguments[i]
      if (argument === undefined) throw unsupported(node, 'a missing argument')
      if (type !== null) passed.push({ type, bytes: this.typed(type, argument) })
      else if (this.erased(argument) === null) throw unsupported(argument, 'not the one there is')
    }
    return passed
  }

  private math(name: string, node: ts.CallExpression): Code {
    const [first, second] = node.arguments
    if (first === undefined || (second === undefined && !(name in F64_UNARY)))
      throw unsupported(node, 'this call')
    if (name === 'imul') {
      return i32([
        ...this.i32(first),
        ...this.i32(second!),
        BINARY_I32[ts.SyntaxKind.AsteriskToken]!,
      ])
    }
    if (name in F64_UNARY) return { type: 'f64', bytes: [...this.f64(first), F64_UNARY[name]!] }
    const codes = node.arguments.map((argument) => this.any(argument))
    const floats = codes.some(({ type }) => type === 'f64')
    if (floats && F64_MATH[name] !== undefined) {
      const operands = codes.flatMap((code, i) => this.coerced('f64', code, node.arguments[i]!))
      return { type: 'f64', bytes: [...operands, F64_MATH[name]] }
    }
    if (name !== 'min' && name !== 'max') throw unsupported(node, 'this function of Math')
    const [a, b] = [this.scope.local('i32'), this.scope.local('i32')]
    const less = ts.SyntaxKind[name === 'min' ? 'LessThanToken' : 'GreaterThanToken']
    return i32([
      ...[...codes[0]!.bytes, op.localTee, ...u32(a), ...codes[1]!.bytes, op.localTee, ...u32(b)],
      ...[op.localGet, ...u32(a), op.localGet, ...u32(b), COMPARE_I32[less]!, op.select],
    ])
  }

  /** DataView's getters: without a byte order network order, which WebAssembly must be taught. */
  private bigEndian(name: string, node: ts.CallExpression): Code {
    const { address, offset } = this.scaled(node.arguments[0]!, 0)
    const [, little] = node.arguments
    if (little !== undefined) {
      if (name !== 'getInt32' || this.literal(little) !== 1)
        throw unsupported(node, 'this byte order')
      return i32([...address, ...memory(op.i32Load, 0, offset)])
    }
    if (name === 'getUint8') return i32([...address, ...memory(op.i32Load8U, 0, offset)])
    const value = this.scope.local('i32')
    // Not by rotl: until V8 has compiled a function well, it calls another one for that.
    const shifted = (bits: number) => [
      ...[op.localGet, ...u32(value), ...i32Const(Math.abs(bits))],
      BINARY_I32[
        ts.SyntaxKind[bits > 0 ? 'LessThanLessThanToken' : 'GreaterThanGreaterThanGreaterThanToken']
      ]!,
    ]
    const masked = (mask: number) => [...i32Const(mask), BINARY_I32[ts.SyntaxKind.AmpersandToken]!]
    const or = BINARY_I32[ts.SyntaxKind.BarToken]!
    const rotated = (bits: number, mask: number) => [
      ...[...shifted(bits), ...shifted(bits - 32), or, ...masked(mask)],
    ]
    if (name === 'getInt32') {
      const load = [...address, ...memory(op.i32Load, 0, offset), op.localSet, ...u32(value)]
      return i32([...load, ...rotated(8, 0x00ff00ff), ...rotated(24, 0xff00ff00), or])
    }
    if (name !== 'getUint16') throw unsupported(node, 'this getter')
    const load = [...address, ...memory(op.i32Load16U, 0, offset), op.localSet, ...u32(value)]
    return i32([...load, ...shifted(8), ...masked(0xff00), ...shifted(-8), or])
  }

  private fill(node: ts.CallExpression): Code {
    const [value, from, end] = node.arguments
    if (this.literal(value!) !== 0) throw unsupported(node, 'not with zeros')
    const length = [
      ...this.words(end!),
      ...this.words(from!),
      BINARY_I32[ts.SyntaxKind.MinusToken]!,
    ]
    return { type: null, bytes: [...this.words(from!), ...i32Const(0), ...length, 0xfc, 11, 0] }
  }

  /** As octets. */
  private words(node: ts.Expression): number[] {
    return [...this.i32(node), ...i32Const(2), BINARY_I32[ts.SyntaxKind.LessThanLessThanToken]!]
  }

  /** memory.copy: ranges may overlap, as with copyWithin. */
  private copyWithin(node: ts.CallExpression): Code {
    const [to, from, end] = node.arguments
    const length = [
      ...this.words(end!),
      ...this.words(from!),
      BINARY_I32[ts.SyntaxKind.MinusToken]!,
    ]
    return {
      type: null,
      bytes: [...this.words(to!), ...this.words(from!), ...length, 0xfc, 10, 0, 0],
    }
  }
}

export function as(type: Type, code: Code, node: ts.Node): number[] {
  if (code.type === type) return code.bytes
  if (code.type === 'i32' && type === 'f64') return [...code.bytes, op.f64ConvertI32]
  throw unsupported(node, `no ${type}`)
}

export function unwrapped(node: ts.Expression): ts.Expression {
  return ts.isParenthesizedExpression(node) ? unwrapped(node.expression) : node
}

function i32(bytes: number[]): Code {
  return { type: 'i32', bytes }
}
