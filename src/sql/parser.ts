import { loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'
import { lowerExpression, lowerStatement } from './lower.ts'
import { isNode, type Node, nodeOf, nodesOf } from './nodes.ts'
import type { Expr, Parsed, Query } from './tree.ts'

/** Loads PostgreSQL's grammar (WASM). Await it before you call another function of this file. */
export async function loadParser(): Promise<void> {
  await loadModule()
}

/** Parses one expression. If the grammar refuses it, the result contains the reason; no exception is thrown. */
export function parseExpression(text: string): Parsed<Expr> {
  return attempt(text, () => {
    const statements = statementsOf(`select (${text}\n)`)
    const target = nodesOf(nodeOf(statements[0]?.['SelectStmt'])?.['targetList'])[0]
    const value = nodeOf(nodeOf(target?.['ResTarget'])?.['val'])
    if (statements.length !== 1 || value === undefined) throw new Error('this is not one expression')
    return lowerExpression(value)
  })
}

/** Parses any number of statements. */
export function parseStatements(text: string): Parsed<readonly Query[]> {
  return attempt(text, () => statementsOf(text).map(lowerStatement))
}

/** Parses one statement. */
export function parseStatement(text: string): Parsed<Query> {
  return attempt(text, () => {
    const [first, ...more] = statementsOf(text).map(lowerStatement)
    if (first === undefined || more.length > 0) throw new Error('this is not one statement')
    return { ...first, text }
  })
}

/** The raw parse tree of one statement, for constructs that `tree.ts` has no kind for (BEGIN ATOMIC, WHEN clauses). */
export function parseRaw(text: string): Parsed<readonly Node[]> {
  return attempt(text, () => statementsOf(text))
}

/** The raw tree of a CREATE FUNCTION … LANGUAGE plpgsql. */
export function parsePlRaw(definition: string): Parsed<Node> {
  return attempt(definition, () => {
    const functions: unknown = nodeOf(parsePlPgSQLSync(definition))?.['plpgsql_funcs']
    const first = nodeOf(nodesOf(functions)[0]?.['PLpgSQL_function'])
    if (first === undefined) throw new Error('no function was found in the text')
    return first
  })
}

function statementsOf(text: string): readonly Node[] {
  const tree: unknown = parseSync(text)
  return nodesOf(nodeOf(tree)?.['stmts']).flatMap((item) => (isNode(item['stmt']) ? [item['stmt']] : []))
}

function attempt<T>(text: string, parse: () => T): Parsed<T> {
  try {
    return { ok: true, value: parse(), text }
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error), text }
  }
}
