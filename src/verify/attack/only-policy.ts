import type { Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { covers } from '../../prove/effective.ts'
import type { Arena } from './arena.ts'
import { AS_PLANTER } from './identity.ts'

/** The other permissive policies of a verb. Any of them may be the reason why a row passes. */
export function besides(relation: Relation, policy: Policy | undefined, verb: Verb): readonly Policy[] {
  return relation.policies.filter((other) => other !== policy && other.permissive && covers(other.command, verb))
}

/**
 * Runs `fn` after the other permissive policies of the verb were set to `false`. If the attack still succeeds, this policy is the cause.
 *
 * Only a superuser can make this change, in a savepoint that is rolled back. For other planting roles, `fn` runs without the change.
 *
 * @returns undefined if the server refused the change
 */
export async function withOnlyPolicy<T>(
  arena: Arena,
  relation: Relation,
  policy: Policy | undefined,
  verb: Verb,
  fn: () => Promise<T>,
): Promise<T | undefined> {
  const others = policy?.permissive === true ? besides(relation, policy, verb) : []
  if (others.length === 0 || !arena.facts.catalog.reader.superuser) return fn()
  const answer = await arena.session.probe(async () => {
    await arena.session.run(`${AS_PLANTER};${others.map((other) => closedSql(relation, other)).join(';')}`)
    return fn()
  })
  return answer.ok ? answer.value : undefined
}

function closedSql(relation: Relation, { name, command }: Policy): string {
  const using = command === 'insert' ? '' : ' using (false)'
  const check = command === 'select' || command === 'delete' ? '' : ' with check (false)'
  return `alter policy ${quoteIdentifier(name)} on ${qualifiedName(relation)}${using}${check}`
}
