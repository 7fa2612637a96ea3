import { type Grant, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import type { Target } from '../target.ts'

const ROWS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const
/** TRUNCATE empties all tenants' rows past every policy; the others let a role read or change what it must not. */
const DANGEROUS = ['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'] as const

/** Grants on one tenant table: what is taken away, what is given instead. */
export function tableGrants(planning: Planning, target: Target): Part {
  const { relation } = target
  const writes: readonly string[] = target.kind === 'root' ? ['INSERT', 'UPDATE', 'DELETE'] : []
  const removable = new Set<string>([...DANGEROUS, ...writes])
  const acting = new Set(planning.acting.map((role) => role.oid))
  const taken: Grant[] = []
  for (const grant of relation.grants) {
    if (grant.grantee === relation.owner) continue
    const name = planning.roleName(grant.grantee)
    if (grant.grantee === PUBLIC_OID) taken.push(grant)
    else if (isOurs(name) ? !allowed(target, name).includes(grant.privilege) : acting.has(grant.grantee)) {
      // Sealed, the login role has no right of its own: it becomes tenant_user or tenant_admin.
      const all = planning.seal && grant.grantee === planning.appRole?.oid
      if (isOurs(name) || all || removable.has(grant.privilege)) taken.push(grant)
    }
  }
  const given = missing(relation, planning, [
    ...(planning.seal ? sealedGrants(target) : instead(planning, target, taken, removable)),
  ])
  const changes: Change[] = []
  for (const [grantee, grants] of byGrantee(taken)) {
    const role = grantee === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(planning.roleName(grantee))
    const table = qualifiedName(relation)
    changes.push({
      phase: 'protect',
      object: relation.label,
      up: [`REVOKE ${list(grants.map((grant) => grant.privilege))} ON ${table} FROM ${role};`],
      down: grantBack(grants, table, role),
    })
  }
  for (const { role, privileges } of given)
    changes.push({
      phase: 'protect',
      object: relation.label,
      up: [`GRANT ${list(privileges)} ON ${qualifiedName(relation)} TO ${quoteIdentifier(role)};`],
      down: [`REVOKE ${list(privileges)} ON ${qualifiedName(relation)} FROM ${quoteIdentifier(role)};`],
    })
  return { changes, decisions: [] }
}

interface Given {
  readonly role: string
  readonly privileges: readonly string[]
}

function isOurs(role: string): boolean {
  return role === 'tenant_user' || role === 'tenant_admin' || role === 'partywall_cross'
}

function allowed(target: Target, role: string): readonly string[] {
  if (target.kind === 'root' || role === 'partywall_cross') return ['SELECT']
  return role === 'tenant_admin' ? ROWS : ['SELECT', 'INSERT', 'UPDATE']
}

function sealedGrants(target: Target): readonly Given[] {
  if (target.relation.isPartition) return []
  return ['tenant_user', 'tenant_admin', 'partywall_cross'].map((role) => ({
    role,
    privileges: allowed(target, role),
  }))
}

/** What the application had through PUBLIC alone, and still needs. */
function instead(
  planning: Planning,
  target: Target,
  taken: readonly Grant[],
  removable: ReadonlySet<string>,
): readonly Given[] {
  const role = planning.appRole
  if (role === undefined || role.superuser) return []
  const lost = taken.filter((grant) => grant.grantee === PUBLIC_OID && !removable.has(grant.privilege))
  return target.relation.owner === role.oid
    ? []
    : [{ role: role.name, privileges: lost.map((grant) => grant.privilege) }]
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
export function grantBack(grants: readonly Grant[], object: string, role: string): readonly string[] {
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
