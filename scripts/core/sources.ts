// Finds what a name means in the sources: constants that are folded, functions and methods that are compiled.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

export interface Body {
  /** Unique: file and name. */
  id: string
  file: string
  node: ts.FunctionDeclaration | ts.MethodDeclaration
}

export class Sources {
  private readonly parsed = new Map<string, ts.SourceFile>()

  source(file: string): ts.SourceFile {
    let source = this.parsed.get(file)
    if (source === undefined) {
      source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2023, true)
      this.parsed.set(file, source)
    }
    return source
  }

  function(file: string, name: string): Body {
    const found = this.resolve(file, name)
    const node = found?.node
    if (found === null || node === undefined || !ts.isFunctionDeclaration(node)) {
      throw new Error(`${file}: no function ${name}`)
    }
    return { id: `${found.file} ${name}`, file: found.file, node }
  }

  method(file: string, className: string, name: string): Body {
    const found = this.resolve(file, className)
    if (found === null || !ts.isClassDeclaration(found.node)) {
      throw new Error(`${file}: no class ${className}`)
    }
    for (const member of found.node.members) {
      if (ts.isMethodDeclaration(member) && member.name.getText() === name) {
        return { id: `${found.file} ${className}.${name}`, file: found.file, node: member }
      }
    }
    throw new Error(`${found.file}: class ${className} has no method ${name}`)
  }

  /** The value of a constant of a module, own or imported; null = it is none. `L.X` as name "X" of namespace "L". */
  constant(file: string, name: string, namespace: string | null = null): number | null {
    const found =
      namespace === null ? this.resolve(file, name) : this.inNamespace(file, namespace, name)
    if (found === null || !ts.isVariableDeclaration(found.node)) return null
    return found.node.initializer === undefined
      ? null
      : this.fold(found.file, found.node.initializer)
  }

  private fold(file: string, node: ts.Expression): number | null {
    if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''))
    if (ts.isParenthesizedExpression(node)) return this.fold(file, node.expression)
    if (ts.isIdentifier(node)) return this.constant(file, node.text)
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      return this.constant(file, node.name.text, node.expression.text)
    }
    if (ts.isPrefixUnaryExpression(node)) {
      const value = this.fold(file, node.operand)
      return value !== null && node.operator === ts.SyntaxKind.MinusToken ? -value : null
    }
    if (!ts.isBinaryExpression(node)) return null
    const a = this.fold(file, node.left)
    const b = this.fold(file, node.right)
    return a === null || b === null ? null : folded(node.operatorToken.kind, a, b)
  }

  private resolve(file: string, name: string): { file: string; node: ts.Node } | null {
    for (const statement of this.source(file).statements) {
      const own = declared(statement, name)
      if (own !== null) return { file, node: own }
      if (!ts.isImportDeclaration(statement)) continue
      const bindings = statement.importClause?.namedBindings
      if (bindings === undefined || !ts.isNamedImports(bindings)) continue
      for (const element of bindings.elements) {
        if (element.name.text !== name) continue
        return this.resolve(target(file, statement), (element.propertyName ?? element.name).text)
      }
    }
    return null
  }

  private inNamespace(file: string, namespace: string, name: string) {
    for (const statement of this.source(file).statements) {
      if (!ts.isImportDeclaration(statement)) continue
      const bindings = statement.importClause?.namedBindings
      if (bindings === undefined || !ts.isNamespaceImport(bindings)) continue
      if (bindings.name.text === namespace) return this.resolve(target(file, statement), name)
    }
    return null
  }
}

function declared(statement: ts.Statement, name: string): ts.Node | null {
  if (ts.isFunctionDeclaration(statement) && statement.name?.text === name) return statement
  if (ts.isClassDeclaration(statement) && statement.name?.text === name) return statement
  if (!ts.isVariableStatement(statement)) return null
  const list = statement.declarationList
  if ((list.flags & ts.NodeFlags.Const) === 0) return null
  return list.declarations.find((d) => d.name.getText() === name) ?? null
}

function target(file: string, statement: ts.ImportDeclaration): string {
  return join(dirname(file), (statement.moduleSpecifier as ts.StringLiteral).text)
}

function folded(kind: ts.SyntaxKind, a: number, b: number): number | null {
  switch (kind) {
    case ts.SyntaxKind.PlusToken:
      return a + b
    case ts.SyntaxKind.MinusToken:
      return a - b
    case ts.SyntaxKind.AsteriskToken:
      return a * b
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return a ** b
    case ts.SyntaxKind.SlashToken:
      return a / b
    case ts.SyntaxKind.BarToken:
      return a | b
    case ts.SyntaxKind.LessThanLessThanToken:
      return a << b
    default:
      return null
  }
}
