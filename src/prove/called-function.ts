import type { DatabaseFunction } from '../catalog/model.ts'
import type { Expr } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { SearchPath } from './scope.ts'

/**
 * The function that a call means. Undefined for functions of pg_catalog, and if several functions fit the call.
 *
 * @param path search_path of the function whose body contains the call. Undefined: the server printed the text, so a name
 *   without a schema is a function of pg_catalog.
 */
export function calledFunction(
  facts: Facts,
  call: Extract<Expr, { kind: 'call' }>,
  path: SearchPath | undefined,
): DatabaseFunction | undefined {
  if (call.schema === undefined && (path === undefined || facts.catalog.shadowedFunctions.has(call.name)))
    return undefined
  const fitting = facts.functionsNamed(call.schema, call.name).filter((fn) => {
    const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
    return call.args.length <= inputs.length && call.args.length >= inputs.length - fn.defaultedArguments
  })
  const [only, ...more] = fitting
  if (only === undefined || more.length > 0 || only.kind !== 'function') return undefined
  if (facts.functionsNamed(call.schema, call.name).some((fn) => fn.arguments.some(({ mode }) => mode === 'variadic')))
    return undefined
  return only
}
