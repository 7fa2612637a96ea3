import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import { readBody } from './bodies.ts'
import { parseExpression, parseStatement } from './parser.ts'
import type { Body, Expr, Parsed, Query } from './tree.ts'

/** Parses SQL texts of the catalog, each text only once. */
export interface SqlReader {
  /** A policy, default, CHECK or index expression. */
  expression(text: string): Parsed<Expr>
  statement(text: string): Parsed<Query>
  /** The query of a view or materialized view. */
  view(relation: Relation): Parsed<Query>
  body(fn: DatabaseFunction): Body
}

/** Makes a reader. Await `loadParser()` first. */
export function createSqlReader(): SqlReader {
  const expressions = new Map<string, Parsed<Expr>>()
  const statements = new Map<string, Parsed<Query>>()
  const bodies = new Map<Oid, Body>()
  const reader: SqlReader = {
    expression: (text) => cached(expressions, text, () => parseExpression(text)),
    statement: (text) => cached(statements, text, () => parseStatement(text)),
    view: (relation) =>
      relation.viewDefinition === undefined
        ? { ok: false, reason: 'it is no view', text: '' }
        : reader.statement(relation.viewDefinition),
    body: (fn) => cached(bodies, fn.oid, () => readBody(fn)),
  }
  return reader
}

function cached<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const value = make()
  map.set(key, value)
  return value
}
