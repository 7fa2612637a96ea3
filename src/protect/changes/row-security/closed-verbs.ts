import type { Policy, Relation } from '../../../catalog/model.ts'
import { qualifiedName } from '../../../catalog/names.ts'
import type { Decision } from '../../change.ts'
import type { Planning } from '../../input.ts'
import type { Target } from '../../target.ts'
import { coversVerb, usersPolicies } from './stance.ts'
import { isolationTest } from './tests-of-tenant.ts'

const VERBS = ['select', 'insert', 'update', 'delete'] as const
type Verb = (typeof VERBS)[number]

/**
 * Decisions about verbs for which the application has a privilege, but which no permissive policy allows. protect does not open these
 * verbs.
 */
export function closedVerbs(planning: Planning, target: Target): readonly Decision[] {
  const { relation } = target
  const closed = verbsWithoutPolicy(planning, relation)
  if (closed.length === 0) return []
  return [
    {
      object: relation.label,
      reason: `row security is on and no policy lets the application ${closed.map((verb) => verb.toUpperCase()).join(', ')} there: ${closed.length === 1 ? 'this stays' : 'these stay'} closed, as ${closed.length === 1 ? 'it is' : 'they are'}. To let the application do this with the rows of its own tenant:`,
      sql: closed.map((verb) => opening(planning, target, verb)).join('\n'),
    },
  ]
}

/** The verbs for which the application has a privilege on the table, and which no permissive policy of the user's own allows. */
export function verbsWithoutPolicy(planning: Planning, relation: Relation): readonly Verb[] {
  if (planning.appRole === undefined) return []
  const permissive = usersPolicies(relation).filter((policy) => policy.permissive)
  const roles = planning.acting.filter((role) => role.oid !== relation.owner)
  return VERBS.filter((verb) =>
    roles.some(
      (role) =>
        planning.mayDo(role, relation, verb) &&
        !permissive.some((policy) => coversVerb(policy, verb) && appliesTo(planning, policy, role.oid)),
    ),
  )
}

function appliesTo(planning: Planning, policy: Policy, role: number): boolean {
  return policy.roles.some((oid) => oid === 0 || planning.rightsOf(role).has(oid))
}

function opening(planning: Planning, target: Target, verb: Verb): string {
  const test = isolationTest(planning, target)
  const using = verb === 'insert' ? '' : ` USING (${test})`
  const check = verb === 'insert' || verb === 'update' ? ` WITH CHECK (${test})` : ''
  return `CREATE POLICY tenant_${verb}_policy ON ${qualifiedName(target.relation)} FOR ${verb.toUpperCase()}${using}${check};`
}
