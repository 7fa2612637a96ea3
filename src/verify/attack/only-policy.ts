import type { Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { covers } from '../../prove/effective.ts'
import type { Arena } from './arena.ts'
import { AS_PLANTER } from './identity.ts'

/** The other permissive policies of a verb: any of these may be why a row is let through. */
export function besides(relation: Relation, policy: Policy | undefined, verb: Verb): readonly Policy[] {
  return relation.policies.filter((other) => other !== policy && other.permissive && covers(other.command, verb))
}

/**
 * Runs `fn` where of the permissive policies of a verb this one alone lets rows through: what crosses then crosses because of it.
 * In a savepoint that is rolled back. Only a superuser, or the owner, may alter policies; for others `fn` runs as it is.
 *
 * @returns undefined where the server refused it
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
