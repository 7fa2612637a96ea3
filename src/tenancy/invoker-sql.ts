import type { DatabaseFunction } from '../catalog/model.ts'
import type { Facts } from './facts.ts'

/**
 * ALTER FUNCTION … SECURITY INVOKER, or a comment if policies call the function. As SECURITY INVOKER, its queries would be subject to the
 * policies that call it, which would be an endless recursion.
 */
export function invokerSql(facts: Facts, fn: DatabaseFunction): string {
  const askers = [...facts.catalog.relations.values()].filter((relation) =>
    relation.policies.some((policy) => calls(facts, policy.functions, fn)),
  )
  if (askers.length > 0)
    return `-- Policies of ${askers.map((relation) => relation.label).join(', ')} call ${fn.label}, so it keeps its owner's rights. Let it compare with the context in each of its statements.`
  return [
    '-- The function then finds only rows that the rights and policies of its caller allow. A function for sign-in or invitations would',
    '-- find nothing. Let such a function compare with the context, or with its secret, in each statement instead.',
    `ALTER ${fn.kind === 'procedure' ? 'PROCEDURE' : 'FUNCTION'} ${fn.signature} SECURITY INVOKER;`,
  ].join('\n')
}

/** Whether one of the functions is `wanted`, or calls it directly or indirectly. */
function calls(facts: Facts, functions: readonly number[], wanted: DatabaseFunction): boolean {
  const seen = new Set<number>()
  const edge = [...functions]
  for (let next = edge.pop(); next !== undefined; next = edge.pop()) {
    if (next === wanted.oid) return true
    if (seen.has(next)) continue
    seen.add(next)
    const fn = facts.catalog.functions.get(next)
    // If a function's body is a string, the catalog does not record its calls, so search the text of the body.
    if (fn?.source.includes(`${wanted.name}(`) === true) return true
    edge.push(...(fn?.callsFunctions ?? []))
  }
  return false
}
