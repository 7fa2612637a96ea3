import { qualifiedName, quoteIdentifier } from '../../../catalog/names.ts'
import type { Change, Decision, Part } from '../../change.ts'
import type { Planning } from '../../input.ts'
import { commentLine } from '../../sql-text.ts'
import type { Target } from '../../target.ts'
import { policyChange, type Wanted } from './policy-text.ts'
import { isolationTest } from './tests-of-tenant.ts'

/**
 * FORCE ROW LEVEL SECURITY, which applies the policies to the table's owner as well.
 *
 * Without it, code that runs as the owner (SECURITY DEFINER functions, views, refreshes) reads without policies. A sign-in or a job may
 * depend on that, because it does not know its tenant yet. And a policy that calls such a function would recurse after FORCE. So if such
 * code exists, FORCE is left to a person.
 *
 * @param ownerSees whether a policy that applies to the owner shows the owner the rows of the context's tenant
 */
export function force(planning: Planning, target: Target, ownerSees: boolean): Part {
  const { relation } = target
  if (relation.forceRowSecurity) return { changes: [], decisions: [] }
  const table = qualifiedName(relation)
  const owner = planning.catalog.roles.get(relation.owner)
  const unbound = owner?.superuser === true || owner?.bypassRls === true
  const readers = planning.acting.some((role) => role.oid === relation.owner) ? [] : planning.readAsOwner(relation)
  if (!unbound && readers.length > 0) return { changes: [], decisions: [undecided(target, readers)] }
  const changes: Change[] = []
  const ownersPolicy =
    unbound || ownerSees ? undefined : policyChange(planning, relation, ownerPolicy(planning, target))
  if (ownersPolicy !== undefined) changes.push(ownersPolicy)
  const notice = unbound
    ? ''
    : `${commentLine(`From here on its owner ${owner?.name ?? ''} sees only the rows of the context's tenant: jobs and backfills of the owner must first set ${planning.setting.setting}.`)}\n`
  changes.push({
    phase: 'protect',
    object: relation.label,
    up: [`${notice}ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;`],
    down: [`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY;`],
    ...(unbound ? {} : { bindsOwner: true }),
  })
  return { changes, decisions: [] }
}

function undecided({ relation }: Target, readers: readonly string[]): Decision {
  return {
    object: relation.label,
    reason: `${readers.slice(0, 5).join(', ')}${readers.length > 5 ? ` and ${readers.length - 5} more` : ''} read the table as its owner, so no policy applies to them. With FORCE they would see only the context's tenant, and nothing without one. A policy that calls one of them would then call itself. If that is right for them:`,
    sql: `ALTER TABLE ${qualifiedName(relation)} FORCE ROW LEVEL SECURITY;`,
  }
}

/** A policy for the table's owner. With FORCE the user's own policies also apply to the owner, and may show the owner no rows. */
function ownerPolicy(planning: Planning, target: Target): Wanted {
  const test = isolationTest(planning, target)
  const owner = planning.roleName(target.relation.owner)
  return {
    name: 'tenant_owner_policy',
    permissive: true,
    command: 'all',
    roles: [owner],
    using: test,
    check: test,
    why: commentLine(
      `Only for the owner ${quoteIdentifier(owner)}, which saw all rows until now: with FORCE it still sees the rows of the context's tenant.`,
    ),
  }
}
