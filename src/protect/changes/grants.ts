import { type Grant, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change, Decision, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { commentLine } from '../sql-text.ts'
import type { Target } from '../target.ts'
import {
  CARRYING_ROLES,
  type CarriedRights,
  carriedRights,
  isCarrying,
  isNewApplication,
  ROW_RIGHTS,
} from './carried-rights.ts'

/** Privileges to which no policy applies. TRUNCATE deletes the rows of all tenants. */
const DANGEROUS = ['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN'] as const

/** A privilege on a table, or on one of its columns. */
interface Held extends Grant {
  readonly column?: string
}

/**
 * Grants on one tenant table. Without a seal, only privileges to which no policy applies are revoked. With a seal, the login role's
 * privileges move to tenant_user and tenant_admin.
 */
export function tableGrants(planning: Planning, target: Target): Part {
  const { relation } = target
  const acting = new Set(planning.acting.map((role) => role.oid))
  const taken = allGrants(relation).filter((grant) => {
    if (grant.grantee === relation.owner) return false
    const name = planning.roleName(grant.grantee)
    if (isCarrying(name)) return !mayHave(carriedRights(planning, relation, name), grant)
    if (grant.grantee !== PUBLIC_OID && !acting.has(grant.grantee)) return false
    if (isDangerous(grant.privilege)) return true
    // With a seal, revoke all privileges from the login role and PUBLIC, so that the login role must become tenant_user or tenant_admin.
    return planning.seal && (grant.grantee === PUBLIC_OID || grant.grantee === planning.appRole?.oid)
  })
  const given = planning.seal ? missing(planning, relation) : []
  const changes = [...revokes(planning, target, taken), ...given.map((each) => grantOf(relation, each))]
  return { changes, decisions: [...registryWrites(planning, target), ...unusedTable(planning, relation)] }
}

function allGrants(relation: Relation): readonly Held[] {
  return [
    ...relation.grants,
    ...relation.columns.flatMap(({ name, grants }) => grants.map((grant) => ({ ...grant, column: name }))),
  ]
}

function mayHave(rights: CarriedRights, { privilege, column }: Held): boolean {
  const allowed = new Map<string, 'table' | readonly string[]>(rights).get(privilege)
  return allowed === 'table' || (column !== undefined && allowed?.includes(column) === true)
}

function revokes(planning: Planning, target: Target, taken: readonly Held[]): readonly Change[] {
  const { relation } = target
  const table = qualifiedName(relation)
  return [...byGrantee(taken)].map(([grantee, grants]): Change => {
    const role = grantee === PUBLIC_OID ? 'PUBLIC' : quoteIdentifier(planning.roleName(grantee))
    return {
      phase: 'protect',
      object: relation.label,
      up: [`${commentLine(whyTaken(planning, role, grants))}\nREVOKE ${listHeld(grants)} ON ${table} FROM ${role};`],
      down: grantBack(grants, table, role),
    }
  })
}

function whyTaken(planning: Planning, role: string, grants: readonly Held[]): string {
  const dangerous = grants.map((grant) => grant.privilege).filter(isDangerous)
  const reasons = dangerous.length === 0 ? [] : [`${list(dangerous)} of ${role}: policies do not apply to these rights`]
  const rows = grants.filter((grant) => !isDangerous(grant.privilege))
  if (rows.length > 0)
    reasons.push(
      planning.seal
        ? `${listHeld(rows)} of ${role}: the application works as tenant_user or tenant_admin from now on`
        : `${listHeld(rows)} of ${role}`,
    )
  return `Takes away ${reasons.join('; ')}.`
}

function grantOf(relation: Relation, { role, grants }: Given): Change {
  const [table, name] = [qualifiedName(relation), quoteIdentifier(role)]
  return {
    phase: 'protect',
    object: relation.label,
    up: [`GRANT ${listHeld(grants)} ON ${table} TO ${name};`],
    down: [`REVOKE ${listHeld(grants)} ON ${table} FROM ${name};`],
  }
}

/** With a seal: a decision about a table on which the application has had no privilege so far. A grant would let it do more than before. */
function unusedTable(planning: Planning, relation: Relation): readonly Decision[] {
  if (!planning.seal || relation.isPartition || isNewApplication(planning)) return []
  if (CARRYING_ROLES.some((role) => carriedRights(planning, relation, role).size > 0)) return []
  const table = qualifiedName(relation)
  return [
    {
      object: relation.label,
      reason: 'no role of the application had a privilege on its rows, so none is granted. If the application uses it:',
      sql: `GRANT SELECT, INSERT, UPDATE ON ${table} TO tenant_user;\nGRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO tenant_admin;\nGRANT SELECT ON ${table} TO partywall_cross;`,
    },
  ]
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
    if (grantee === relation.owner || isCarrying(planning.roleName(grantee))) return []
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
  readonly grants: readonly Pick<Held, 'privilege' | 'column'>[]
}

function isDangerous(privilege: string): boolean {
  return (DANGEROUS as readonly string[]).includes(privilege)
}

/** The privileges that partywall's roles lack. */
function missing(planning: Planning, relation: Relation): readonly Given[] {
  if (relation.isPartition) return []
  const present = allGrants(relation)
  const has = (role: string, privilege: string, column?: string) =>
    present.some(
      (grant) =>
        planning.roleName(grant.grantee) === role &&
        grant.privilege === privilege &&
        (grant.column === undefined || grant.column === column),
    )
  return CARRYING_ROLES.flatMap((role): readonly Given[] => {
    const wanted: Given['grants'] = [...carriedRights(planning, relation, role)].flatMap(([privilege, on]) =>
      on === 'table' ? [{ privilege }] : on.map((column) => ({ privilege, column })),
    )
    const grants = wanted.filter((each) => !has(role, each.privilege, each.column))
    return grants.length === 0 ? [] : [{ role, grants }]
  })
}

function byGrantee(grants: readonly Held[]): ReadonlyMap<number, readonly Held[]> {
  const groups = new Map<number, Held[]>()
  for (const grant of grants) groups.set(grant.grantee, [...(groups.get(grant.grantee) ?? []), grant])
  return groups
}

/** The statements that give revoked grants back, with their grant options. */
function grantBack(grants: readonly Held[], object: string, role: string): readonly string[] {
  return [false, true].flatMap((grantable) => {
    const some = grants.filter((grant) => grant.grantable === grantable)
    const option = grantable ? ' WITH GRANT OPTION' : ''
    return some.length === 0 ? [] : [`GRANT ${listHeld(some)} ON ${object} TO ${role}${option};`]
  })
}

/** `SELECT, UPDATE (title, body)`. */
function listHeld(grants: readonly Pick<Held, 'privilege' | 'column'>[]): string {
  const whole = list(grants.filter(({ column }) => column === undefined).map(({ privilege }) => privilege))
  const parts = [...ORDER].flatMap((privilege) => {
    const columns = grants.flatMap((each) =>
      each.privilege === privilege && each.column !== undefined ? [each.column] : [],
    )
    return columns.length === 0 ? [] : [`${privilege} (${columns.map(quoteIdentifier).join(', ')})`]
  })
  return [...(whole === '' ? [] : [whole]), ...parts].join(', ')
}

const ORDER: readonly string[] = [...ROW_RIGHTS, ...DANGEROUS]

function list(privileges: readonly string[]): string {
  return [...new Set(privileges)].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b)).join(', ')
}
