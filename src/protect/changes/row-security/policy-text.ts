import type { Policy, Relation } from '../../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../../catalog/names.ts'
import type { Change } from '../../change.ts'
import type { Planning } from '../../input.ts'
import { doBlock, sameExpression } from '../../sql-text.ts'
import type { Target } from '../../target.ts'

/** A policy that protect writes. */
export interface Wanted {
  readonly name: string
  readonly permissive: boolean
  readonly command: Policy['command']
  /** Empty: PUBLIC. */
  readonly roles: readonly string[]
  /** '' if the policy has only WITH CHECK. */
  readonly using: string
  readonly check: string | undefined
  /** Comment lines above the statement: what the policy takes from somebody, or gives to a role of partywall. */
  readonly why?: string
}

/** Names of partywall's policies. A policy with such a name and another text is replaced; policies with other names are kept. */
export const OWN_POLICIES: ReadonlySet<string> = new Set([
  'tenant_isolation_policy',
  'tenant_boundary_policy',
  'tenant_owner_policy',
  'tenant_seal_policy',
  'tenant_write_policy',
  'tenant_level_policy',
  'tenant_cross_policy',
  'tenant_directory_policy',
])

/** The change that creates a policy. Undefined if the table has the same policy under any name. */
export function policyChange(planning: Planning, relation: Relation, policy: Wanted): Change | undefined {
  if (relation.policies.some((each) => isSame(planning, each, policy))) return undefined
  const before = relation.policies.find((each) => each.name === policy.name)
  const drop = `DROP POLICY IF EXISTS ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)};`
  return {
    phase: 'protect',
    object: relation.label,
    up: [`${policy.why === undefined ? '' : `${policy.why}\n`}${drop}`, createPolicy(relation, policy)],
    down: [drop, ...(before === undefined ? [] : [createPolicy(relation, asWanted(planning, before))])],
  }
}

export function createPolicy(relation: Relation, policy: Wanted): string {
  const to = policy.roles.length === 0 ? '' : ` TO ${policy.roles.map(quoteIdentifier).join(', ')}`
  const kind = policy.permissive ? '' : ' AS RESTRICTIVE'
  const head = `CREATE POLICY ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)}${kind} FOR ${policy.command.toUpperCase()}${to}`
  const clauses = [
    ...(policy.using === '' ? [] : [`USING (${policy.using})`]),
    ...(policy.check === undefined ? [] : [`WITH CHECK (${policy.check})`]),
  ]
  return `${head}\n  ${clauses.join('\n  ')};`
}

function asWanted(planning: Planning, policy: Policy): Wanted {
  return {
    name: policy.name,
    permissive: policy.permissive,
    command: policy.command,
    roles: policy.roles.filter((oid) => oid !== 0).map(planning.roleName),
    using: policy.using ?? '',
    check: policy.check,
  }
}

/**
 * Whether an existing policy, under any name, has the effect of the wanted policy. Without WITH CHECK, USING also checks new rows. A
 * restrictive policy may apply to more roles than the wanted policy.
 */
function isSame(planning: Planning, policy: Policy, wanted: Wanted): boolean {
  const roles = policy.roles.filter((oid) => oid !== 0).map(planning.roleName)
  const enough =
    wanted.roles.length === 0 || wanted.permissive
      ? [...roles].sort().join() === [...wanted.roles].sort().join()
      : roles.length === 0 || wanted.roles.every((role) => roles.includes(role))
  const check = wanted.check === undefined ? undefined : (policy.check ?? policy.using)
  return (
    policy.permissive === wanted.permissive &&
    policy.command === wanted.command &&
    enough &&
    sameExpression(policy.using, wanted.using === '' ? undefined : wanted.using) &&
    sameExpression(check, wanted.check)
  )
}

/** `USING (…) WITH CHECK (…)` of a policy in one line. */
export function clausesOf(policy: Policy): string {
  const check = policy.check === undefined ? '' : ` WITH CHECK (${shorten(policy.check)})`
  return policy.using === undefined ? check.trim() : `USING (${shorten(policy.using)})${check}`
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}

/** Stores a hash of each of our policies in its comment, so that a later change can be detected. */
export function policyHashes(tables: readonly Target[]): string {
  const list = tables.map((target) => `        ${quoteLiteral(qualifiedName(target.relation))}::regclass`).join(',\n')
  const names = [...OWN_POLICIES].filter((name) => name !== 'tenant_directory_policy').map(quoteLiteral)
  return doBlock(
    `  FOR p IN
    SELECT pol.polname, pol.polrelid::regclass AS tab,
           md5(coalesce(pg_get_expr(pol.polqual, pol.polrelid), '') || '|' || coalesce(pg_get_expr(pol.polwithcheck, pol.polrelid), '')) AS body
    FROM pg_catalog.pg_policy pol
    WHERE pol.polname IN (${names.join(', ')})
      AND pol.polrelid IN (
${list})
  LOOP
    EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', p.polname, p.tab, 'partywall: body ' || p.body);
  END LOOP;`,
    ['p record;'],
  )
}
