import { isBookkeeping } from '../../catalog/bookkeeping.ts'
import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Change, Decision, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import { carriedRights, ROW_RIGHTS } from './carried-rights.ts'
import { isBeyondPolicies } from './review.ts'

const TENANT_ROLES = ['tenant_user', 'tenant_admin'] as const

/**
 * Returns the grants that tenant_user and tenant_admin need in addition to the grants on tenant tables, because the login role works as one
 * of these two roles. They need grants on schemas, on sequences of serial keys, and on all other objects on which the login role itself has
 * privileges.
 */
export function sealedRoleGrants(planning: Planning): Part {
  if (!planning.seal) return { changes: [], decisions: [] }
  const changes: Change[] = []
  for (const schema of planning.catalog.schemas.values()) {
    const inUse = planning.targets.some((target) => target.relation.schemaOid === schema.oid)
    if (!inUse || schema.grants.some((grant) => grant.grantee === 0 && grant.privilege === 'USAGE')) continue
    const object = `SCHEMA ${quoteIdentifier(schema.name)}`
    const has = (role: string) =>
      schema.grants.some((grant) => planning.roleName(grant.grantee) === role && grant.privilege === 'USAGE')
    const lacking = [...TENANT_ROLES, 'partywall_cross'].filter((role) => !has(role))
    changes.push(...grant(`schema ${schema.name}`, 'USAGE', object, lacking))
  }
  for (const relation of planning.catalog.relations.values()) {
    if (!planning.schemas.has(relation.schema) || planning.targetOf(relation.oid) !== undefined) continue
    if (isBookkeeping(relation)) continue
    // The migration lists this object under TO DECIDE, so that a person decides about its grants.
    if (isBeyondPolicies(planning, relation)) continue
    const privileges =
      relation.kind === 'sequence' ? sequencePrivileges(planning, relation) : ownRights(planning, relation)
    for (const privilege of privileges) {
      const lacking = TENANT_ROLES.filter(
        (role) =>
          !relation.grants.some((each) => planning.roleName(each.grantee) === role && each.privilege === privilege),
      )
      const object = `${relation.kind === 'sequence' ? 'SEQUENCE ' : ''}${qualifiedName(relation)}`
      changes.push(...grant(relation.label, privilege, object, lacking))
    }
    changes.push(...columnGrants(planning, relation))
  }
  const membership = memberships(planning)
  return { changes: [...changes, ...membership.changes], decisions: membership.decisions }
}

/** Returns grants for the privileges that the login role has on single columns. */
function columnGrants(planning: Planning, relation: Relation): readonly Change[] {
  const app = planning.appRole
  if (app === undefined || relation.extension !== undefined) return []
  return ROW_RIGHTS.flatMap((privilege) =>
    TENANT_ROLES.flatMap((role) => {
      const columns = relation.columns.filter(({ grants }) => {
        const holds = (name: string) =>
          grants.some((each) => each.privilege === privilege && planning.roleName(each.grantee) === name)
        return holds(app.name) && !holds(role)
      })
      const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
      return columns.length === 0
        ? []
        : grant(relation.label, `${privilege} (${list})`, qualifiedName(relation), [role])
    }),
  )
}

function grant(label: string, privilege: string, object: string, roles: readonly string[]): readonly Change[] {
  if (roles.length === 0) return []
  const list = roles.map(quoteIdentifier).join(', ')
  return [
    {
      phase: 'protect',
      object: label,
      up: [`GRANT ${privilege} ON ${object} TO ${list};`],
      down: [`REVOKE ${privilege} ON ${object} FROM ${list};`],
    },
  ]
}

/**
 * Returns the privileges that the tenant roles need on a sequence. A serial column calls nextval() as the inserting role, which needs USAGE
 * on the sequence. An identity column needs no privilege. A role that may not INSERT gets no USAGE: with USAGE the role could learn how
 * many rows there are, and use up the numbers.
 */
function sequencePrivileges(planning: Planning, sequence: Relation): readonly string[] {
  const owned = planning.catalog.sequences.get(sequence.oid)
  const table = planning.catalog.relations.get(owned?.ownedByRelation ?? 0)
  if (table === undefined || isDrawnElsewhere(planning, sequence, table)) return ownRights(planning, sequence)
  const target = planning.targetOf(table.oid)
  const column = table.columns.find((each) => each.number === owned?.ownedByColumn)
  if (column?.identity !== undefined) return []
  if (target === undefined) return mayInsert(planning, table) ? usage(planning, sequence) : []
  if (!TENANT_ROLES.some((role) => carriedRights(planning, table, role).has('INSERT'))) return []
  return target.kind === 'root' ? usage(planning, sequence) : ['USAGE']
}

function usage(planning: Planning, sequence: Relation): readonly string[] {
  return ownRights(planning, sequence).filter((privilege) => privilege === 'USAGE')
}

/** Whether another table takes values from the sequence that a column of this table owns. */
function isDrawnElsewhere({ catalog }: Planning, sequence: Relation, table: Relation): boolean {
  return [...catalog.relations.values()].some(
    (relation) =>
      relation !== table &&
      relation.columns.some(
        ({ default: drawn }) => drawn?.includes('nextval') === true && drawn.includes(sequence.name),
      ),
  )
}

/**
 * Whether tenant_user or tenant_admin can insert into a table that belongs to no tenant. They can if they, PUBLIC or the application's
 * login have INSERT: this migration gives the login's privileges to both roles.
 */
function mayInsert(planning: Planning, table: Relation): boolean {
  const app = planning.appRole
  const names: readonly string[] = TENANT_ROLES
  return [...table.grants, ...table.columns.flatMap(({ grants }) => grants)].some(
    ({ privilege, grantee }) =>
      privilege === 'INSERT' && (grantee === 0 || grantee === app?.oid || names.includes(planning.roleName(grantee))),
  )
}

function ownRights(planning: Planning, relation: Relation): readonly string[] {
  const app = planning.appRole
  if (app === undefined || relation.extension !== undefined) return []
  const useful = relation.kind === 'sequence' ? ['USAGE', 'SELECT'] : ['SELECT', 'INSERT', 'UPDATE', 'DELETE']
  return useful.filter((privilege) =>
    relation.grants.some((each) => each.grantee === app.oid && each.privilege === privilege),
  )
}

/**
 * Memberships by which the login role can become tenant_user and tenant_admin. From PostgreSQL 16 on, the login role does not inherit their
 * privileges.
 */
function memberships(planning: Planning): Part {
  const app = planning.appRole
  if (app === undefined || app.superuser || app.bypassRls) return { changes: [], decisions: [] }
  // If the login role owns the tables, the application needs a separate login role. A membership does not help; see review().
  if (planning.targets.some((target) => target.relation.owner === app.oid)) return { changes: [], decisions: [] }
  const { catalog } = planning
  const lacking = TENANT_ROLES.filter((name) => {
    const role = [...catalog.roles.values()].find((each) => each.name === name)
    return !catalog.memberships.some((each) => each.role === role?.oid && each.member === app.oid && each.set)
  })
  if (lacking.length === 0) return { changes: [], decisions: [] }
  const names = lacking.map(quoteIdentifier).join(', ')
  const member = quoteIdentifier(app.name)
  const option = catalog.serverVersion >= 160000 ? ' WITH INHERIT FALSE, SET TRUE' : ''
  const up = `GRANT ${names} TO ${member}${option};`
  const decision: Decision = {
    object: `role ${app.name}`,
    reason: 'with the seal it works as tenant_user or tenant_admin. Run this as a role that may grant these two roles:',
    sql: up,
  }
  if (!mayGrant(planning, lacking)) return { changes: [], decisions: [decision] }
  return {
    changes: [{ phase: 'protect', object: `role ${app.name}`, up: [up], down: [`REVOKE ${names} FROM ${member};`] }],
    decisions: [],
  }
}

function mayGrant(planning: Planning, roles: readonly string[]): boolean {
  const { catalog } = planning
  if (catalog.reader.superuser) return true
  const reader = [...catalog.roles.values()].find((role) => role.name === catalog.reader.name)
  if (catalog.serverVersion < 160000 && reader?.createRole === true) return true
  return roles.every((name) =>
    catalog.memberships.some(
      (each) => each.admin && each.member === reader?.oid && planning.roleName(each.role) === name,
    ),
  )
}
