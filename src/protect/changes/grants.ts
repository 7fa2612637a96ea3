import { type Grant, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change, Decision, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { commentLine } from '../sql-text.ts'
import type { Target } from '../target.ts'

const ROWS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const
/** Privileges to which no policy applies. TRUNCATE deletes the rows of all tenants. */
const DANGEROUS = ['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'] as const

/**
 * Grants on one tenant table. Without a seal, only privileges to which no policy applies are revoked. With a seal, the login role's
 * privileges move to tenant_user and tenant_admin.
 */
export function tableGrants(planning: Planning, target: Target): Part {
  const { relation } = target
  const acting = new Set(planning.acting.map((role) => role.oid))
  const taken = relation.grants.filter((grant) => {
    if (grant.grantee === relation.owner) return false
    const name = planning.roleName(grant.grantee)
    if (isOurs(name)) return !allowed(planning, target, name).includes(grant.privilege)
    if (grant.grantee !== PUBLIC_OID && !acting.has(grant.grantee)) return false
    if (isDangerous(grant.privilege)) return true
    // With a seal, revoke all privileges from the login role and PUBLIC, so that the login role must become tenant_user or tenant_admin.
    return planning.seal && (grant.grantee === PUBLIC_OID || grant.grantee === planning.appRole?.oid)
  })
  const given = planning.seal ? missing(relation, planning, sealedGrants(planning, target)) : []
  const changes = [...revokes(planning, target, taken), ...given.map((each) => grantOf(relation, each))]
  return { changes, decisions: registryWrites(planning, target) }
}

function revokes(planning: Planning, target: Target, taken: readonly Grant[]): readonly Change[] {
  const { relation } = target
  const table = qualifiedName(relation)
  return [...byGrantee(taken)].map(([grantee, grants]): Change => {
    const role = grantee === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(planning.roleName(grantee))
    const privileges = list(grants.map((grant) => grant.privilege))
    return {
      phase: 'protect',
      object: relation.label,
      up: [`${commentLine(whyTaken(planning, role, grants))}\nREVOKE ${privileges} ON ${table} FROM ${role};`],
      down: grantBack(grants, table, role),
    }
  })
}

function whyTaken(planning: Planning, role: string, grants: readonly Grant[]): string {
  const dangerous = grants.map((grant) => grant.privilege).filter(isDangerous)
  const reasons = dangerous.length === 0 ? [] : [`${list(dangerous)} of ${role}: policies do not apply to these rights`]
  const rows = grants.map((grant) => grant.privilege).filter((privilege) => !isDangerous(privilege))
  if (rows.length > 0)
    reasons.push(
      planning.seal
        ? `${list(rows)} of ${role}: the application works as tenant_user or tenant_admin from now on`
        : `${list(rows)} of ${role}`,
    )
  return `Takes away ${reasons.join('; ')}.`
}

function grantOf(relation: Relation, { role, privileges }: Given): Change {
  const [table, name] = [qualifiedName(relation), quoteIdentifier(role)]
  return {
    phase: 'protect',
    object: relation.label,
    up: [`GRANT ${list(privileges)} ON ${table} TO ${name};`],
    down: [`REVOKE ${list(privileges)} ON ${table} FROM ${name};`],
  }
}

/**
 * Decisions about writes to the table of tenants. Policies restrict a session to its own tenant's row, and a person must decide whether a
 * tenant may change or delete this row.
 */
function registryWrites(planning: Planning, target: Target): readonly Decision[] {
  const { relation } = target
  if (target.kind !== 'root' || planning.isProved(relation)) return []
  const writes = ['INSERT', 'UPDATE', 'DELETE'] as const
  return [...byGrantee(relation.grants)].flatMap(([grantee, grants]): readonly Decision[] => {
    if (grantee === relation.owner || isOurs(planning.roleName(grantee))) return []
    if (grantee !== PUBLIC_OID && !planning.acting.some((role) => role.oid === grantee)) return []
    const privileges = writes.filter((write) => grants.some((grant) => grant.privilege === write))
    if (privileges.length === 0) return []
    const role = grantee === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(planning.roleName(grantee))
    return [
      {
        object: relation.label,
        reason: `${role} may ${list(privileges)} the tenants' own rows; a tenant could change its status or tier. ${planning.seal ? 'tenant_user and tenant_admin keep these rights, on the row of their own tenant.' : 'Policies restrict each tenant to its own row.'} If no request needs it:`,
        sql: `REVOKE ${list(privileges)} ON ${qualifiedName(relation)} FROM ${planning.seal ? 'tenant_user, tenant_admin' : role};`,
      },
    ]
  })
}

interface Given {
  readonly role: string
  readonly privileges: readonly string[]
}

function isOurs(role: string): boolean {
  return role === 'tenant_user' || role === 'tenant_admin' || role === 'partywall_cross'
}

function isDangerous(privilege: string): boolean {
  return (DANGEROUS as readonly string[]).includes(privilege)
}

function allowed(planning: Planning, target: Target, role: string): readonly string[] {
  if (role === 'partywall_cross') return ['SELECT']
  const rows: readonly string[] = role === 'tenant_admin' ? ROWS : ['SELECT', 'INSERT', 'UPDATE']
  if (target.kind !== 'root') return rows
  // Privileges on the table of tenants that the login role has, or that an earlier run moved from the login role to these roles.
  const { grants } = target.relation
  const had = (privilege: string) =>
    grants.some(
      (grant) =>
        grant.privilege === privilege &&
        (grant.grantee === PUBLIC_OID ||
          grant.grantee === planning.appRole?.oid ||
          planning.roleName(grant.grantee) === role),
    )
  return rows.filter((privilege) => privilege === 'SELECT' || had(privilege))
}

function sealedGrants(planning: Planning, target: Target): readonly Given[] {
  if (target.relation.isPartition) return []
  return ['tenant_user', 'tenant_admin', 'partywall_cross'].map((role) => ({
    role,
    privileges: allowed(planning, target, role),
  }))
}

function missing(relation: Relation, planning: Planning, wanted: readonly Given[]): readonly Given[] {
  return wanted
    .map(({ role, privileges }) => ({
      role,
      privileges: privileges.filter(
        (privilege) =>
          !relation.grants.some((grant) => planning.roleName(grant.grantee) === role && grant.privilege === privilege),
      ),
    }))
    .filter(({ privileges }) => privileges.length > 0)
}

function byGrantee(grants: readonly Grant[]): ReadonlyMap<number, readonly Grant[]> {
  const groups = new Map<number, Grant[]>()
  for (const grant of grants) groups.set(grant.grantee, [...(groups.get(grant.grantee) ?? []), grant])
  return groups
}

/** The statements that give revoked grants back, with their grant options. */
function grantBack(grants: readonly Grant[], object: string, role: string): readonly string[] {
  return [false, true].flatMap((grantable) => {
    const some = grants.filter((grant) => grant.grantable === grantable)
    const option = grantable ? ' WITH GRANT OPTION' : ''
    return some.length === 0
      ? []
      : [`GRANT ${list(some.map((grant) => grant.privilege))} ON ${object} TO ${role}${option};`]
  })
}

function list(privileges: readonly string[]): string {
  const order: readonly string[] = [...ROWS, ...DANGEROUS]
  return [...new Set(privileges)].sort((a, b) => order.indexOf(a) - order.indexOf(b)).join(', ')
}
