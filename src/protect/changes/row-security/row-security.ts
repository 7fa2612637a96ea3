import type { Relation } from '../../../catalog/model.ts'
import { qualifiedName } from '../../../catalog/names.ts'
import { type Change, type Decision, NOTHING, type Part } from '../../change.ts'
import { doubtOf } from '../../doubt.ts'
import type { Planning } from '../../input.ts'
import { commentLine } from '../../sql-text.ts'
import type { Target } from '../../target.ts'
import { boundaryOf, restrictive } from './boundary.ts'
import { closedVerbs, verbsWithoutPolicy } from './closed-verbs.ts'
import { force } from './force.ts'
import { clausesOf, policyChange, type Wanted } from './policy-text.ts'
import { asksForRole, extendToTenantRoles, sealPolicies } from './seal.ts'
import { appliesToApp, type Stance, stanceOf, usersPolicies } from './stance.ts'
import { isolationTest } from './tests-of-tenant.ts'
import { whatIsTaken } from './what-is-taken.ts'

/**
 * Turns row-level security on and forces it, with policies that keep tenants apart. No session of the application sees or changes more than
 * before, and a session that sets its tenant sees no fewer rows of this tenant.
 *
 * Permissive policies are added only in these cases: every role saw all rows until now, FORCE would hide all rows from the table's owner,
 * or (with `--seal`) partywall's own role `partywall_cross` needs to read.
 */
export function rowSecurity(planning: Planning, target: Target): Part {
  const { relation } = target
  if (relation.kind === 'foreign-table' || isHiddenPartition(planning, relation)) return NOTHING
  const stance = stanceOf(relation)
  if (stance === 'open' || stance === 'dormant') return opened(planning, target, stance)
  return besideOwn(planning, target, stance)
}

/**
 * For tables whose row-level security is off, or was off before an earlier run of protect. Afterwards only the tenant's own rows are
 * visible.
 */
function opened(planning: Planning, target: Target, stance: Stance): Part {
  const { relation } = target
  const doubt = planning.seal ? undefined : doubtOf(planning, target)
  if (doubt !== undefined) return { changes: [], decisions: undecided(planning, target, doubt) }
  const test = isolationTest(planning, target)
  const isolation: Wanted = {
    name: 'tenant_isolation_policy',
    permissive: true,
    command: 'all',
    roles: [],
    using: test,
    check: test,
    ...(relation.rowSecurity ? {} : { why: whatIsTaken(planning, target, stance) }),
  }
  const wanted: Wanted[] = [isolation]
  if (planning.seal) wanted.push(...sealPolicies(planning, target, stance))
  // Enabling row-level security also puts the user's permissive policies in force. Any of them could let other tenants' rows pass.
  else if (stance === 'dormant') wanted.push(restrictive(planning, target, 'tenant_boundary_policy'))
  const changes = [
    ...wanted.flatMap((policy) => policyChange(planning, relation, policy) ?? []),
    ...(planning.seal ? extendToTenantRoles(planning, target) : []),
    ...(relation.rowSecurity ? [] : [enable(target)]),
  ]
  const forced = force(planning, target, true)
  const decisions = dormant(planning, target)
  return { changes: [...changes, ...forced.changes], decisions: [...decisions, ...forced.decisions] }
}

/**
 * For tables whose row-level security is on: adds restrictive policies to the policies that the user wrote. Closed tables get policies only
 * with `--seal`.
 */
function besideOwn(planning: Planning, target: Target, stance: Stance): Part {
  const { relation } = target
  const decisions: Decision[] = [...closedVerbs(planning, target)]
  const changes: Change[] = []
  if (planning.seal) {
    const policies = sealPolicies(planning, target, stance)
    changes.push(...policies.flatMap((policy) => policyChange(planning, relation, policy) ?? []))
    changes.push(...extendToTenantRoles(planning, target))
    decisions.push(...asksForRole(target))
  } else if (stance === 'own') {
    const { wanted, decision } = boundaryOf(planning, target)
    const change = wanted === undefined ? undefined : policyChange(planning, relation, wanted)
    if (change !== undefined) changes.push(change)
    if (decision !== undefined) decisions.push(decision)
  }
  // Do not force a closed table: FORCE would hide its rows from the owner too. If sessions perhaps do not set the tenant, do not force
  // either: the owner's policy reads the setting, so the owner would see no rows.
  const named = planning.seal || doubtOf(planning, target) === undefined
  const forced = stance === 'own' && named ? force(planning, target, false) : NOTHING
  return { changes: [...changes, ...forced.changes], decisions: [...decisions, ...forced.decisions] }
}

function enable({ relation }: Target): Change {
  const table = qualifiedName(relation)
  const asleep = usersPolicies(relation)
  const list =
    asleep.length === 0
      ? ''
      : `${[commentLine('These policies had no effect while row security was off, and take effect now:'), ...asleep.map((policy) => commentLine(`  ${policy.name}${policy.permissive ? '' : ' (restrictive)'} ${clausesOf(policy)}`))].join('\n')}\n`
  return {
    phase: 'protect',
    object: relation.label,
    up: [`${list}ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;`],
    down: [`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;`],
  }
}

/** Offers the user's own policies, which had no effect until now. Only policies that apply to the application can decide about its rows. */
function dormant(planning: Planning, { relation }: Target): readonly Decision[] {
  if (relation.rowSecurity) return []
  const asleep = usersPolicies(relation).filter((policy) => policy.permissive && appliesToApp(planning, policy))
  if (asleep.length === 0) return []
  const lost = verbsWithoutPolicy(planning, relation).map((verb) => verb.toUpperCase())
  const loses = lost.length === 0 ? '' : ` The application can then no longer ${lost.join(', ')} there.`
  return [
    {
      object: relation.label,
      reason: `row security was off, so ${asleep.map((policy) => policy.name).join(', ')} had no effect, and each session saw all rows. It now sees all rows of its tenant. This lets the table's own policies decide within the tenant.${loses}`,
      sql: `DROP POLICY IF EXISTS tenant_isolation_policy ON ${qualifiedName(relation)};`,
    },
  ]
}

/** What a person decides if sessions perhaps do not set the tenant. After an earlier run of protect, row-level security is on. */
function undecided(planning: Planning, target: Target, doubt: string): readonly Decision[] {
  if (!target.relation.rowSecurity) return [leftOpen(planning, target, doubt)]
  const { decision } = boundaryOf(planning, target)
  return decision === undefined ? [] : [decision]
}

function leftOpen(planning: Planning, target: Target, doubt: string): Decision {
  const { relation } = target
  const test = isolationTest(planning, target)
  return {
    object: relation.label,
    reason: `row security is off: each session sees the rows of all tenants. ${doubt} If each session of the application sets its tenant in this setting:`,
    sql: `ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY;\nCREATE POLICY tenant_isolation_policy ON ${qualifiedName(relation)} USING (${test}) WITH CHECK (${test});`,
  }
}

/**
 * Whether no role of the application can use a partition directly. The application then reads it only through the parent, whose policies
 * apply.
 */
function isHiddenPartition(planning: Planning, relation: Relation): boolean {
  return (
    relation.isPartition &&
    !relation.rowSecurity &&
    planning.appRole !== undefined &&
    !relation.grants.some((grant) => grant.grantee === 0 || planning.acting.some((role) => role.oid === grant.grantee))
  )
}
