import type { DatabaseFunction } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'

/**
 * Names of the columns of a function in FROM, in order. They come from the function's declaration and not from the query in its body.
 *
 * @param own name of the column if the function returns a single value
 */
export function columnsOfResult(facts: Facts, fn: DatabaseFunction, own: string): readonly string[] | undefined {
  const named = fn.arguments.filter(
    (argument) => argument.mode === 'table' || argument.mode === 'out' || argument.mode === 'inout',
  )
  if (named.length > 0) return named.map((argument) => argument.name)
  if (fn.returnType === 'record') return undefined
  const bare = fn.returnType.replace(/^"?(.*?)"?$/, '$1')
  const relation = [...facts.catalog.relations.values()].find(
    (candidate) => candidate.label === bare || candidate.name === bare,
  )
  if (relation !== undefined) return relation.columns.map((column) => column.name)
  const composite = [...facts.catalog.types.values()].some(
    (type) => type.kind === 'composite' && (`${type.schema}.${type.name}` === bare || type.name === bare),
  )
  return composite ? undefined : [own]
}
