import type ts from 'typescript'
import type { Body } from './sources.ts'
import type { Type } from './wasm.ts'

/**
 * What a name stands for. Those that are not a number are erased: there is one memory, one packet in it and one open row,
 * so nothing is passed for them.
 */
export type Binding =
  | LocalBinding
  | { is: Erased }
  | { is: 'object'; className: string; file: string }

export interface LocalBinding {
  is: 'local'
  index: number
  type: Type
  /** It is given a value once. */
  fixed: boolean
  /** Another local with the address of the word of that number: four times as much. */
  address?: number
}

/** Where a function that is put into a condition goes when it is true, and when not: blocks to leave, from its outermost. */
export interface Exits {
  yes: number
  no: number
}

export type Erased = 'ints' | 'floats' | 'bytes' | 'view' | 'packet' | 'rows'

const ERASED: Readonly<Record<string, Erased>> = {
  Int32Array: 'ints',
  Float64Array: 'floats',
  Uint8Array: 'bytes',
  DataView: 'view',
  Packet: 'packet',
  Rows: 'rows',
}

/** @returns what a parameter of this type is; a number type for what is passed */
export function parameterKind(type: string): Type | Erased | { className: string } {
  const number = typeOf(type)
  if (number !== null) return number
  return ERASED[type] ?? { className: type }
}

/** `Ns` is what the sources call a float64. */
export function typeOf(type: string): Type | null {
  if (type === 'number' || type === 'boolean' || type === 'true' || type === 'false') return 'i32'
  return type === 'Ns' ? 'f64' : null
}

export interface Signature {
  /** One a parameter of the source; null = erased. */
  params: (Type | null)[]
  result: Type | null
}

export function signatureOf({ node }: Body): Signature {
  const params = node.parameters.map((p) => {
    const kind = parameterKind(p.type?.getText() ?? '')
    return kind === 'i32' || kind === 'f64' ? kind : null
  })
  return { params, result: typeOf(node.type?.getText() ?? '') }
}

/** The function being compiled. */
export class Scope {
  readonly file: string
  /** Class whose method it is, for `this`. */
  readonly className: string | null
  readonly result: Type | null
  /** Null = it returns. */
  readonly exits: Exits | null
  readonly params: Type[] = []
  readonly locals: Type[] = []
  /** Of the enclosing blocks, innermost last: what `break` and `continue` look for. */
  readonly labels: ('plain' | 'break' | 'continue' | 'return')[] = []
  private readonly names: Map<string, Binding>[] = [new Map()]
  // Locals are used again, because both of V8's compilers take time for each one at each branch. In the order they were taken:
  private readonly taken: { index: number; type: Type; isNamed: boolean }[] = []
  private readonly free: Record<Type, number[]> = { i32: [], f64: [] }

  /** The function that this one is put into; null = it is one of its own. */
  private readonly host: Scope | null

  constructor(
    about: { file: string; className: string | null; result: Type | null },
    host: Scope | null = null,
    exits: Exits | null = null,
  ) {
    this.host = host
    this.exits = exits
    this.file = about.file
    this.className = about.className
    this.result = about.result
  }

  bind(name: string, binding: Binding): void {
    this.names.at(-1)!.set(name, binding)
  }

  lookup(name: string): Binding | null {
    for (const level of this.names.toReversed()) {
      const found = level.get(name)
      if (found !== undefined) return found
    }
    return null
  }

  get isInlined(): boolean {
    return this.host !== null
  }

  param(name: string, type: Type): void {
    this.bind(name, { is: 'local', index: this.params.length, type, fixed: false })
    this.params.push(type)
  }

  /** What the source declares. */
  named(type: Type, name: string, fixed: boolean): number {
    const index = this.root.take(type, true)
    this.bind(name, { is: 'local', index, type, fixed })
    return index
  }

  /** @returns the local that shall get the address that belongs to this one */
  addressOf(name: string, binding: LocalBinding): number {
    const address = this.root.take('i32', true)
    this.bind(name, { ...binding, address })
    return address
  }

  /** For a value in between: until the statement ends. */
  local(type: Type): number {
    return this.root.take(type, false)
  }

  private get root(): Scope {
    return this.host === null ? this : this.host.root
  }

  private take(type: Type, isNamed: boolean): number {
    let index = this.free[type].pop()
    if (index === undefined) {
      index = this.params.length + this.locals.length
      this.locals.push(type)
    }
    this.taken.push({ index, type, isNamed })
    return index
  }

  /** Locals taken inside are free again behind it. @param all  those with a name too */
  private releasing<T>(all: boolean, inside: () => T): T {
    const { root } = this
    const before = root.taken.length
    const result = inside()
    for (const local of root.taken.splice(before)) {
      if (local.isNamed && !all) root.taken.push(local)
      else root.free[local.type].push(local.index)
    }
    return result
  }

  /** A block: what it declares is unknown behind it. */
  within<T>(inside: () => T): T {
    this.names.push(new Map())
    const result = this.releasing(true, inside)
    this.names.pop()
    return result
  }

  statement<T>(inside: () => T): T {
    return this.releasing(false, inside)
  }

  labelled<T>(label: 'plain' | 'break' | 'continue' | 'return', inside: () => T): T {
    this.labels.push(label)
    const result = inside()
    this.labels.pop()
    return result
  }

  /** Blocks between here and the nearest one of this label. */
  depth(label: 'break' | 'continue' | 'return', node: ts.Node): number {
    const at = this.labels.lastIndexOf(label)
    if (at < 0) throw unsupported(node, `${label} outside of a loop`)
    return this.labels.length - 1 - at
  }
}

export function unsupported(node: ts.Node, why: string): Error {
  const source = node.getSourceFile()
  const { line } = source.getLineAndCharacterOfPosition(node.getStart())
  return new Error(`${source.fileName}:${line + 1}: ${why}: ${node.getText().slice(0, 80)}`)
}
