import type { DatabaseFunction } from '../catalog/model.ts'
import type { Body } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBareSelect } from './bare-select.ts'
import { declaredAs } from './declared-type.ts'
import { evaluateBody } from './evaluate-body.ts'
import type { Inlined } from './inlined.ts'

/** Reads a body as one expression or query, if it is one; `undefined` is beyond it. */
export function inlineBody(fn: DatabaseFunction, body: Body, facts: Facts): Inlined | undefined {
  if (body.kind === 'unreadable') return undefined
  const results = fn.arguments.filter((argument) => argument.mode === 'out' || argument.mode === 'table')
  // Rows are taken as they are: of a type that cuts what it is given, they would be others.
  const types = results.length > 0 ? results.map((argument) => argument.type) : [fn.returnType]
  if (fn.returnsSet && types.some((type) => declaredAs(facts, type) !== 'kept')) return undefined
  if (body.kind === 'plpgsql') return evaluateBody(fn, body, facts)
  const [only, ...more] = body.statements
  if (only === undefined || more.length > 0 || only.kind !== 'select') return undefined
  if (fn.returnsSet) return { kind: 'rows', query: only }
  if (isBareSelect(only) && only.targets[0] !== undefined) return { kind: 'value', expr: only.targets[0].expr }
  // A row of several values is none of them.
  if (only.targets.length > 1) return undefined
  return { kind: 'value', expr: { kind: 'subquery', type: 'scalar', op: '=', left: undefined, query: only } }
}
