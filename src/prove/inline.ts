import type { DatabaseFunction } from '../catalog/model.ts'
import type { Body } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBareSelect } from './bare-select.ts'
import { declaredAs } from './declared-type.ts'
import { evaluateBody } from './evaluate-body.ts'
import type { Inlined } from './inlined.ts'

/** Reads a function's body as one expression or one query. Undefined if the body is neither. */
export function inlineBody(fn: DatabaseFunction, body: Body, facts: Facts): Inlined | undefined {
  if (body.kind === 'unreadable') return undefined
  const results = fn.arguments.filter((argument) => argument.mode === 'out' || argument.mode === 'table')
  // The prover uses the rows as the query returns them. A result type that changes values (varchar(3) truncates) would make them wrong.
  const types = results.length > 0 ? results.map((argument) => argument.type) : [fn.returnType]
  if (fn.returnsSet && types.some((type) => declaredAs(facts, type) !== 'kept')) return undefined
  if (body.kind === 'plpgsql') return evaluateBody(fn, body, facts)
  const [only, ...more] = body.statements
  if (only === undefined || more.length > 0 || only.kind !== 'select') return undefined
  if (fn.returnsSet) return { kind: 'rows', query: only }
  if (isBareSelect(only) && only.targets[0] !== undefined) return { kind: 'value', expr: only.targets[0].expr }
  // A function that returns a composite row cannot stand in for a scalar.
  if (only.targets.length > 1) return undefined
  return { kind: 'value', expr: { kind: 'subquery', type: 'scalar', op: '=', left: undefined, query: only } }
}
