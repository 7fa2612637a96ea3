import type { Policy, Relation, Role } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import { roleGraph } from '../../catalog/role-graph.ts'
import type { Change, Decision, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { contextSql, doBlock, sameExpression } from '../sql-text.ts'
import type { Target } from '../target.ts'

/** A policy as we write it. */
interface Wanted {
  readonly name: string
  readonly permissive: boolean
  readonly command: Policy['command']
  /** Empty: PUBLIC. */
  readonly roles: readonly string[]
  readonly using: string
  readonly check: string | undefined
}

/** Names of ours: a policy of such a name that says something else is replaced, any other is left alone. */
export const OWN_POLICIES: ReadonlySet<string> = new Set([
  'tenant_isolation_policy',
  'tenant_seal_policy',
  'tenant_level_policy',
  'tenant_cross_policy',
  'tenant_directory_policy',
])

/** Row security on and forced, with the policies that hold; names the user's own policies that are wider. */
export function rowSecurity(planning: Planning, target: Target): Part {
  const { relation } = target
  const table = qualifiedName(relation)
  const changes: Change[] = []
  if (relation.kind === 'foreign-table' || isHiddenPartition(planning, relation)) return { changes, decisions: [] }
  const wanted = wantedPolicies(planning, target)
  for (const policy of wanted) {
    const same = relation.policies.find((each) => isSame(planning, each, policy))
    if (same !== undefined) continue
    const before = relation.policies.find((each) => each.name === policy.name)
    const name = quoteIdentifier(policy.name)
    changes.push({
      phase: 'protect',
      object: relation.label,
      up: [`DROP POLICY IF EXISTS ${name} ON ${table};\n${createPolicy(relation, policy)}`],
      down: [
        `DROP POLICY IF EXISTS ${name} ON ${table};`,
        ...(before === undefined ? [] : [createPolicy(relation, asWanted(planning, before))]),
      ],
    })
  }
  if (!relation.rowSecurity)
    changes.push({
      phase: 'protect',
      object: relation.label,
      up: [`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY;`],
      down: [`ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;`],
    })
  if (!relation.forceRowSecurity)
    changes.push({
      phase: 'protect',
      object: relation.label,
      up: [`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY;`],
      down: [`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY;`],
    })
  return { changes, decisions: widerPolicies(planning, target, wanted) }
}

/** A partition is read through its parent, whose policies hold; only one that can be named directly needs its own. */
function isHiddenPartition(planning: Planning, relation: Relation): boolean {
  return (
    relation.isPartition &&
    !relation.rowSecurity &&
    planning.appRole !== undefined &&
    !relation.grants.some((grant) => grant.grantee === 0 || planning.acting.some((role) => role.oid === grant.grantee))
  )
}

function wantedPolicies(planning: Planning, target: Target): readonly Wanted[] {
  const column = quoteIdentifier(target.column.name)
  const test = `${column} = (select ${contextSql(planning.setting, target.column.cast)})`
  const isolation: Wanted = {
    name: 'tenant_isolation_policy',
    permissive: true,
    command: 'all',
    roles: [],
    using: test,
    check: test,
  }
  if (!planning.seal) return [isolation]
  const roles = sealedRoles(planning, target.relation)
  const cast = target.column.cast === 'text' ? '' : `::${target.column.cast}`
  const sealed = `${column} = (select partywall.tenant_id()${cast})`
  const restrictive = { permissive: false, roles }
  const policies: Wanted[] = [
    isolation,
    { name: 'tenant_seal_policy', ...restrictive, command: 'all', using: sealed, check: sealed },
  ]
  // Nobody deletes a tenant: the grant is SELECT alone.
  if (target.kind !== 'root')
    policies.push({
      name: 'tenant_level_policy',
      ...restrictive,
      command: 'delete',
      using: `(select partywall.role_at_least('tenant_admin'))`,
      check: undefined,
    })
  policies.push({
    name: 'tenant_cross_policy',
    permissive: true,
    command: 'select',
    roles: ['partywall_cross'],
    using: 'true',
    check: undefined,
  })
  return policies
}

const TENANT_ROLES = ['tenant_user', 'tenant_admin']

/** tenant_user, tenant_admin, and every other role in reach that keeps rights on the table, its own or inherited ones. */
function sealedRoles(planning: Planning, relation: Relation): readonly string[] {
  const { appRole, catalog } = planning
  const graph = roleGraph(catalog)
  const keepsRights = (role: Role) =>
    [...graph.rightsOf(role.oid)].some((oid) => {
      const name = catalog.roles.get(oid)?.name ?? ''
      // The application's own grants become those of the tenant roles.
      if (oid === appRole?.oid || TENANT_ROLES.includes(name)) return false
      return ALL_DATA.includes(name) || relation.grants.some((grant) => grant.grantee === oid)
    })
  const others = planning.acting.filter((role) => !TENANT_ROLES.includes(role.name) && keepsRights(role))
  return [...TENANT_ROLES, ...others.map((role) => role.name)]
}

/** Their members have rights on every table without a grant. */
const ALL_DATA = ['pg_read_all_data', 'pg_write_all_data']

function createPolicy(relation: Relation, policy: Wanted): string {
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

/** The same policy under any name; without WITH CHECK, USING is the check. A seal may name more roles than it must. */
function isSame(planning: Planning, policy: Policy, wanted: Wanted): boolean {
  const roles = policy.roles.filter((oid) => oid !== 0).map(planning.roleName)
  const enough =
    wanted.roles.length === 0 || wanted.permissive
      ? [...roles].sort().join() === [...wanted.roles].sort().join()
      : wanted.roles.every((role) => roles.includes(role))
  const check = wanted.check === undefined ? undefined : (policy.check ?? policy.using)
  return (
    policy.permissive === wanted.permissive &&
    policy.command === wanted.command &&
    enough &&
    sameExpression(policy.using, wanted.using) &&
    sameExpression(check, wanted.check)
  )
}

/** The user's own permissive policies: PostgreSQL joins them by OR, so the widest one decides. */
function widerPolicies(planning: Planning, target: Target, wanted: readonly Wanted[]): readonly Decision[] {
  const { relation } = target
  const isolation = wanted.filter((policy) => policy.permissive)
  return relation.policies
    .filter(
      (policy) =>
        policy.permissive &&
        !OWN_POLICIES.has(policy.name) &&
        !isolation.some((each) => isSame(planning, policy, each)) &&
        appliesToApp(planning, policy),
    )
    .map((policy) => ({
      object: relation.label,
      reason: `policy ${policy.name} stands beside tenant_isolation_policy, and a row passes if either lets it: USING (${shorten(policy.using ?? 'nothing')})${policy.check === undefined ? '' : ` WITH CHECK (${shorten(policy.check)})`}. If it lets other tenants' rows through, or is not needed any more:`,
      sql: `DROP POLICY ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)};`,
    }))
}

function appliesToApp(planning: Planning, policy: Policy): boolean {
  if (policy.roles.includes(0) || planning.appRole === undefined) return true
  return planning.acting.some((role) => policy.roles.includes(role.oid))
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length > 160 ? `${line.slice(0, 157)}...` : line
}

/** Comments on our policies hold a hash of their body, so that a later change shows. */
export function policyHashes(tables: readonly Target[]): string {
  const list = tables.map((target) => `        ${quoteLiteral(qualifiedName(target.relation))}::regclass`).join(',\n')
  return doBlock(
    `  FOR p IN
    SELECT pol.polname, pol.polrelid::regclass AS tab,
           md5(coalesce(pg_get_expr(pol.polqual, pol.polrelid), '') || '|' || coalesce(pg_get_expr(pol.polwithcheck, pol.polrelid), '')) AS body
    FROM pg_catalog.pg_policy pol
    WHERE pol.polname IN ('tenant_isolation_policy', 'tenant_seal_policy', 'tenant_level_policy', 'tenant_cross_policy')
      AND pol.polrelid IN (
${list})
  LOOP
    EXECUTE format('COMMENT ON POLICY %I ON %s IS %L', p.polname, p.tab, 'partywall: body ' || p.body);
  END LOOP;`,
    ['p record;'],
  )
}
