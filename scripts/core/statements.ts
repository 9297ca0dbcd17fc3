import ts from 'typescript'
import { as, type Context, Expressions } from './expressions.ts'
import { ASSIGNING } from './operators.ts'
import {
  type Exits,
  type LocalBinding,
  parameterKind,
  Scope,
  signatureOf,
  typeOf,
  unsupported,
} from './scope.ts'
import type { Body } from './sources.ts'
import { blockType, i32Const, memory, op, type Type, u32, type WasmFunction } from './wasm.ts'

/** One function or method of the sources. */
export function compile(context: Context, body: Body, name: string | null): WasmFunction {
  const scope = scopeOf(body, null)
  for (const p of body.node.parameters) {
    const kind = parameterKind(p.type!.getText())
    if (kind === 'i32' || kind === 'f64') scope.param(p.name.getText(), kind)
  }
  const code = codeOf(context, body, scope)
  return { name, params: scope.params, result: scope.result, locals: scope.locals, code }
}

/**
 * The same inside of another: a block that its returns leave.
 * @param exits  in a condition: there is no value, its returns go there
 * @returns also the locals that take its parameters, null for one that is bound to what is passed
 */
export function inline(
  context: Context,
  {
    body,
    host,
    args,
    exits,
  }: { body: Body; host: Scope; args: readonly (LocalBinding | null)[]; exits: Exits | null },
) {
  return host.within(() => {
    const scope = scopeOf(body, host, exits)
    const params: (number | null)[] = []
    const first: number[] = []
    for (const [i, p] of body.node.parameters.entries()) {
      const kind = parameterKind(p.type!.getText())
      if (kind !== 'i32' && kind !== 'f64') continue
      const name = p.name.getText()
      const passed = args[i]
      const fixed = !isAssigned(body.node.body!, name)
      if (fixed && passed?.fixed === true && passed.type === kind) {
        scope.bind(name, passed)
        params.push(null)
      } else params.push(scope.named(kind, name, fixed))
      first.push(...addressed(scope, name, body.node))
    }
    if (exits !== null) return { params, code: [...first, ...codeOf(context, body, scope)] }
    const inside = scope.labelled('return', () => codeOf(context, body, scope))
    return { params, code: [...first, op.block, blockType(scope.result), ...inside, op.end] }
  })
}

/** Computes the address of a local that numbers words of memory, once for all of them. */
function addressed(scope: Scope, name: string, within: ts.Node): number[] {
  const binding = scope.lookup(name)
  if (binding?.is !== 'local' || !binding.fixed || binding.type !== 'i32') return []
  if (binding.address !== undefined || !numbersWords(within, name)) return []
  const four = [op.localGet, ...u32(binding.index), ...i32Const(2), op.i32Shl]
  return [...four, op.localSet, ...u32(scope.addressOf(name, binding))]
}

/** ints[name + ...], floats[(name + ...) >> 1] */
function numbersWords(node: ts.Node, name: string): boolean {
  if (ts.isElementAccessExpression(node) && baseOf(node.argumentExpression) === name) return true
  return ts.forEachChild(node, (child) => numbersWords(child, name) || undefined) ?? false
}

function baseOf(index: ts.Expression): string | null {
  if (ts.isParenthesizedExpression(index)) return baseOf(index.expression)
  if (ts.isBinaryExpression(index)) return baseOf(index.left)
  return ts.isIdentifier(index) ? index.text : null
}

function isAssigned(node: ts.Node, name: string): boolean {
  const target =
    ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)
      ? node.left
      : ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)
        ? node.operand
        : null
  if (target !== null && ts.isIdentifier(target) && target.text === name) return true
  return ts.forEachChild(node, (child) => isAssigned(child, name) || undefined) ?? false
}

function scopeOf(body: Body, host: Scope | null, exits: Exits | null = null): Scope {
  const { result } = signatureOf(body)
  const parent = body.node.parent
  const className = ts.isClassDeclaration(parent) ? parent.name!.text : null
  const scope = new Scope({ file: body.file, className, result }, host, exits)
  for (const p of body.node.parameters) {
    const kind = parameterKind(p.type!.getText())
    if (kind === 'i32' || kind === 'f64') continue
    const parameter = p.name.getText()
    if (typeof kind === 'string') scope.bind(parameter, { is: kind })
    else scope.bind(parameter, { is: 'object', file: body.file, ...kind })
  }
  return scope
}

function codeOf(context: Context, body: Body, scope: Scope): number[] {
  const statements = new Statements(new Expressions(context, scope))
  const code = statements.block(body.node.body!.statements)
  // Behind the last return of a function that returns a value nothing is reached.
  if (scope.result !== null) code.push(op.unreachable)
  return code
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment
}

class Statements {
  private readonly expressions: Expressions
  private readonly scope: Scope

  constructor(expressions: Expressions) {
    this.expressions = expressions
    this.scope = expressions.scope
  }

  block(statements: readonly ts.Statement[]): number[] {
    return this.scope.within(() => statements.flatMap((statement) => this.statement(statement)))
  }

  private statement(node: ts.Statement): number[] {
    return this.scope.statement(() => this.compiled(node))
  }

  private compiled(node: ts.Statement): number[] {
    if (ts.isBlock(node)) return this.block(node.statements)
    if (ts.isVariableStatement(node)) return this.variables(node.declarationList)
    if (ts.isExpressionStatement(node)) return this.effect(node.expression)
    if (ts.isIfStatement(node)) return this.if(node)
    if (ts.isReturnStatement(node)) return this.return(node)
    if (ts.isForStatement(node)) return this.for(node)
    if (ts.isWhileStatement(node)) return this.loop(node.expression, null, node.statement)
    if (ts.isSwitchStatement(node)) return this.switch(node)
    if (ts.isBreakStatement(node)) return [op.br, ...u32(this.scope.depth('break', node))]
    if (ts.isContinueStatement(node)) return [op.br, ...u32(this.scope.depth('continue', node))]
    throw unsupported(node, 'this kind of statement')
  }

  private variables(list: ts.VariableDeclarationList): number[] {
    return list.declarations.flatMap((d) => {
      if (d.initializer === undefined) throw unsupported(d, 'no value')
      if (ts.isObjectBindingPattern(d.name)) return this.destructured(d.name, d.initializer)
      const erased = this.expressions.erased(d.initializer)
      const name = d.name.getText()
      if (erased !== null) {
        this.scope.bind(
          name,
          typeof erased === 'string' ? { is: erased } : { is: 'object', ...erased },
        )
        return []
      }
      const code = this.expressions.any(d.initializer)
      const type = typeOf(d.type?.getText() ?? '') ?? code.type
      if (type === null) throw unsupported(d, 'no value')
      const fixed = (list.flags & ts.NodeFlags.Const) !== 0
      const set = [op.localSet, ...u32(this.scope.named(type, name, fixed))]
      return [...as(type, code, d), ...set, ...addressed(this.scope, name, list.parent.parent)]
    })
  }

  /** `const { ints, floats, at } = this.rows`, `const { rows } = this` */
  private destructured(pattern: ts.ObjectBindingPattern, from: ts.Expression): number[] {
    const isRows = this.expressions.erased(from) === 'rows'
    return pattern.elements.flatMap((element) => {
      const name = element.name.getText()
      if (name === 'ints' || name === 'floats' || name === 'rows') {
        this.scope.bind(name, { is: name })
        return []
      }
      if (name !== 'at' || !isRows) throw unsupported(element, 'this property')
      const set = [op.globalGet, 0, op.localSet, ...u32(this.scope.named('i32', name, true))]
      return [...set, ...addressed(this.scope, name, pattern.parent.parent.parent.parent)]
    })
  }

  private if(node: ts.IfStatement): number[] {
    const { scope } = this
    const { elseStatement } = node
    // A block left when the condition does not hold.
    const yes = () =>
      scope.labelled('plain', () => [
        ...[op.block, blockType(null)],
        ...this.expressions.branch(node.expression, 0, false),
        ...this.statement(node.thenStatement),
      ])
    if (elseStatement === undefined) return [...yes(), op.end]
    return scope.labelled('plain', () => [
      ...[op.block, blockType(null), ...yes(), op.br, 1, op.end],
      ...[...this.statement(elseStatement), op.end],
    ])
  }

  private return(node: ts.ReturnStatement): number[] {
    const { expression } = node
    const { scope } = this
    if (scope.exits !== null && expression !== undefined) {
      const yes = scope.labels.length + scope.exits.yes
      const no = scope.labels.length + scope.exits.no
      return [...this.expressions.branch(expression, yes, true), op.br, ...u32(no)]
    }
    const leave = scope.isInlined ? [op.br, ...u32(scope.depth('return', node))] : [op.return]
    if (expression === undefined) return leave
    if (scope.result === null) return [...this.effect(expression), ...leave]
    return [...this.expressions.typed(scope.result, expression), ...leave]
  }

  private for(node: ts.ForStatement): number[] {
    const { initializer, incrementor } = node
    return this.scope.within(() => {
      const first =
        initializer !== undefined && ts.isVariableDeclarationList(initializer)
          ? this.variables(initializer)
          : []
      return [...first, ...this.loop(node.condition ?? null, incrementor ?? null, node.statement)]
    })
  }

  private loop(
    condition: ts.Expression | null,
    step: ts.Expression | null,
    body: ts.Statement,
  ): number[] {
    const { scope } = this
    return scope.labelled('break', () =>
      scope.labelled('plain', () => {
        const leave = condition === null ? [] : this.expressions.branch(condition, 1, false)
        const inside = scope.labelled('continue', () => this.statement(body))
        const next = step === null ? [] : this.effect(step)
        return [
          ...[op.block, blockType(null), op.loop, blockType(null), ...leave],
          ...[op.block, blockType(null), ...inside, op.end],
          ...[...next, op.br, 0, op.end, op.end],
        ]
      }),
    )
  }

  /** Each case ends by itself, or is empty and shares the next one's statements. */
  private switch(node: ts.SwitchStatement): number[] {
    const value = this.scope.local('i32')
    const chosen = [...this.expressions.i32(node.expression), op.localSet, ...u32(value)]
    return this.scope.labelled('break', () => {
      const code = [...chosen, op.block, blockType(null)]
      let test: number[] = []
      for (const clause of node.caseBlock.clauses) {
        if (ts.isDefaultClause(clause)) {
          code.push(...this.block(clause.statements))
          continue
        }
        const equals = [
          op.localGet,
          ...u32(value),
          ...this.expressions.i32(clause.expression),
          0x46,
        ]
        test = test.length === 0 ? equals : [...test, ...equals, 0x72]
        if (clause.statements.length === 0) continue
        const last = clause.statements.at(-1)!
        if (!ts.isReturnStatement(last) && !ts.isBreakStatement(last))
          throw unsupported(clause, 'falls through')
        const inside = this.scope.labelled('plain', () => this.block(clause.statements))
        code.push(...test, op.if, blockType(null), ...inside, op.end)
        test = []
      }
      return [...code, op.end]
    })
  }

  /** An expression for what it does. */
  private effect(node: ts.Expression): number[] {
    if (ts.isParenthesizedExpression(node)) return this.effect(node.expression)
    if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
      const step = node.operator === ts.SyntaxKind.PlusPlusToken ? 0x6a : 0x6b
      return this.change(node.operand, (old) => ({
        type: 'i32',
        bytes: [...old, ...i32Const(1), step],
      }))
    }
    if (ts.isBinaryExpression(node)) return this.assign(node)
    if (!ts.isCallExpression(node)) throw unsupported(node, 'without effect')
    const { type, bytes } = this.expressions.call(node)
    return type === null ? bytes : [...bytes, op.drop]
  }

  private assign(node: ts.BinaryExpression): number[] {
    const { expressions } = this
    const kind = node.operatorToken.kind
    if (kind === ts.SyntaxKind.EqualsToken) return this.set(node.left, node.right)
    const inner = ASSIGNING[kind]
    if (inner === undefined) throw unsupported(node, 'this assignment')
    return this.change(node.left, (old, type) =>
      expressions.combine(
        inner,
        { left: { type, bytes: old }, right: expressions.any(node.right) },
        node,
      ),
    )
  }

  private set(target: ts.Expression, value: ts.Expression): number[] {
    const { expressions, scope } = this
    if (ts.isIdentifier(target)) {
      const binding = scope.lookup(target.text)
      if (binding?.is !== 'local') throw unsupported(target, 'not a number')
      return [...expressions.typed(binding.type, value), op.localSet, ...u32(binding.index)]
    }
    if (
      ts.isPropertyAccessExpression(target) &&
      target.name.text === 'at' &&
      expressions.erased(target.expression) === 'rows'
    ) {
      return [...expressions.i32(value), op.globalSet, 0]
    }
    const place = expressions.place(target)
    if (place === null || place.store === 0) throw unsupported(target, 'this target')
    const { address, offset, store, align, type } = place
    return [...address, ...expressions.typed(type, value), ...memory(store, align, offset)]
  }

  /** Reads, computes, writes back; the address is computed once. */
  private change(
    target: ts.Expression,
    compute: (old: number[], type: Type) => { type: Type | null; bytes: number[] },
  ): number[] {
    const { expressions, scope } = this
    if (ts.isIdentifier(target)) {
      const binding = scope.lookup(target.text)
      if (binding?.is !== 'local') throw unsupported(target, 'not a number')
      const now = compute([op.localGet, ...u32(binding.index)], binding.type)
      return [...as(binding.type, now, target), op.localSet, ...u32(binding.index)]
    }
    const place = expressions.place(target)
    if (place === null || place.store === 0) throw unsupported(target, 'this target')
    const { address, offset, load, store, align, type } = place
    const kept = scope.local('i32')
    const old = [op.localGet, ...u32(kept), ...memory(load, align, offset)]
    return [
      ...[...address, op.localSet, ...u32(kept), op.localGet, ...u32(kept)],
      ...[...as(type, compute(old, type), target), ...memory(store, align, offset)],
    ]
  }
}
