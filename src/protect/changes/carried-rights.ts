import { type Grant, type Oid, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import type { Planning } from '../input.ts'

/** The privileges on rows that policies restrict. */
export const ROW_RIGHTS = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const
export type RowRight = (typeof ROW_RIGHTS)[number]

/** Roles of partywall that get the application's privileges. */
type TenantRole = 'tenant_user' | 'tenant_admin' | 'partywall_cross'

/** Each privilege on a table, as a whole or on some columns. */
export type CarriedRights = ReadonlyMap<RowRight, 'table' | readonly string[]>

export const CARRYING_ROLES: readonly TenantRole[] = ['tenant_user', 'tenant_admin', 'partywall_cross']

export function isCarrying(name: string): name is TenantRole {
  return CARRYING_ROLES.some((each) => each === name)
}

const LIMITS: Readonly<Record<TenantRole, readonly RowRight[]>> = {
  tenant_user: ['SELECT', 'INSERT', 'UPDATE'],
  tenant_admin: ROW_RIGHTS,
  partywall_cross: ['SELECT'],
}

/**
 * The privileges that a role of partywall gets on a table: privileges that the application has on the table, or that an earlier run moved
 * to the role. A migration must not let the application do more than before, not even with rows of its own tenant.
 *
 * An application without privileges on any table, such as a login that was made for the sealed application, gets the usual privileges.
 */
export function carriedRights(planning: Planning, relation: Relation, role: TenantRole): CarriedRights {
  const limit = LIMITS[role]
  if (isNewApplication(planning)) return new Map(limit.map((right) => [right, 'table']))
  return rightsOfHolders(planning, relation, limit, holdersOf(planning, role))
}

/** The privileges that the application has, before the migration, on the rows of a table. */
export function applicationsRights(planning: Planning, relation: Relation): CarriedRights {
  return rightsOfHolders(planning, relation, ROW_RIGHTS, applicationsHolders(planning))
}

function rightsOfHolders(
  planning: Planning,
  relation: Relation,
  rights: readonly RowRight[],
  holders: ReadonlySet<Oid>,
): CarriedRights {
  return new Map(
    rights.flatMap((right) => {
      const found = rightOf(planning, relation, right, holders)
      return found === undefined ? [] : [[right, found] as const]
    }),
  )
}

/** Cached answers of {@link isNewApplication}, which looks at all tables and is called for each of them. */
const newApplications = new WeakMap<Planning, boolean>()

/** Whether the application reaches no row of any table to protect. The migration then gives it its first privileges. */
export function isNewApplication(planning: Planning): boolean {
  let isNew = newApplications.get(planning)
  if (isNew === undefined) {
    isNew = reachesNothing(planning)
    newApplications.set(planning, isNew)
  }
  return isNew
}

function reachesNothing(planning: Planning): boolean {
  const { appRole } = planning
  if (appRole === undefined || appRole.superuser || appRole.bypassRls) return true
  const holders = new Set([...holdersOf(planning, 'tenant_user'), ...holdersOf(planning, 'tenant_admin')])
  return planning.targets.every(({ relation }) =>
    ROW_RIGHTS.every((right) => rightOf(planning, relation, right, holders) === undefined),
  )
}

/**
 * The roles whose privileges are carried over: the roles of the application, and `role` itself, to which an earlier run may have moved
 * privileges.
 */
function holdersOf(planning: Planning, role: TenantRole): ReadonlySet<Oid> {
  const own = [...planning.catalog.roles.values()].filter(({ name }) => name === role).map(({ oid }) => oid)
  return new Set([...applicationsHolders(planning), ...own])
}

/** PUBLIC, each role that the application can act as, and the roles whose privileges such a role inherits. */
function applicationsHolders(planning: Planning): ReadonlySet<Oid> {
  const app = planning.acting.filter(({ name }) => !isCarrying(name))
  return new Set([PUBLIC_OID, ...app.flatMap(({ oid }) => [...planning.rightsOf(oid)])])
}

function rightOf(planning: Planning, relation: Relation, right: RowRight, holders: ReadonlySet<Oid>) {
  if (holders.has(relation.owner)) return 'table'
  const all = right === 'SELECT' ? 'pg_read_all_data' : 'pg_write_all_data'
  if ([...holders].some((oid) => planning.catalog.roles.get(oid)?.name === all)) return 'table'
  const isHeld = (grant: Grant) => grant.privilege === right && holders.has(grant.grantee)
  if (relation.grants.some(isHeld)) return 'table'
  const columns = relation.columns.filter(({ grants }) => grants.some(isHeld)).map(({ name }) => name)
  return columns.length === 0 ? undefined : columns
}
