import type { Catalog } from './catalog.ts'
import { type Column, type DatabaseFunction, type Grant, type Oid, PUBLIC_OID, type Relation } from './model.ts'
import type { RoleGraph } from './role-graph.ts'

export type TablePrivilege =
  | 'SELECT'
  | 'INSERT'
  | 'UPDATE'
  | 'DELETE'
  | 'TRUNCATE'
  | 'REFERENCES'
  | 'TRIGGER'
  | 'MAINTAIN'

/** Privileges of roles, by grants, ownership, PUBLIC, inherited membership and predefined roles. */
export interface Privileges {
  /** Whether the role has the privilege on the relation or on one of its columns, and USAGE on the schema. */
  onRelation(role: Oid, relation: Relation, privilege: TablePrivilege): boolean
  /** Whether the role has the privilege on the whole relation, as LOCK TABLE needs it. A grant on columns is not enough. */
  onWholeRelation(role: Oid, relation: Relation, privilege: TablePrivilege): boolean
  onColumn(
    role: Oid,
    relation: Relation,
    column: Column,
    privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'REFERENCES',
  ): boolean
  onFunction(role: Oid, fn: DatabaseFunction): boolean
  onSchema(role: Oid, schema: Oid, privilege: 'USAGE' | 'CREATE'): boolean
  onSequence(role: Oid, sequence: Relation, privilege: 'USAGE' | 'SELECT' | 'UPDATE'): boolean
  onDatabase(role: Oid, privilege: 'CREATE' | 'TEMPORARY' | 'CONNECT'): boolean
  /** Whether the role is the owner or has the rights of the owner. */
  owns(role: Oid, owner: Oid): boolean
  /** Whether a list of grants gives the role the privilege. */
  granted(role: Oid, grants: readonly Grant[], privilege: string): boolean
}

export function privilegesOf(catalog: Catalog, graph: RoleGraph): Privileges {
  const named = new Map([...catalog.roles.values()].map((role) => [role.name, role.oid]))
  const readAll = named.get('pg_read_all_data') ?? -1
  const writeAll = named.get('pg_write_all_data') ?? -1
  const maintainAll = named.get('pg_maintain') ?? -1

  const superuser = (role: Oid) => catalog.roles.get(role)?.superuser === true
  const owns = (role: Oid, owner: Oid) => superuser(role) || graph.rightsOf(role).has(owner)
  const granted = (role: Oid, grants: readonly Grant[], privilege: string) => {
    const rights = graph.rightsOf(role)
    return grants.some(
      (grant) => grant.privilege === privilege && (grant.grantee === PUBLIC_OID || rights.has(grant.grantee)),
    )
  }
  const predefined = (role: Oid, privilege: string) => {
    const rights = graph.rightsOf(role)
    if (privilege === 'SELECT' || privilege === 'USAGE') if (rights.has(readAll)) return true
    if (privilege === 'INSERT' || privilege === 'UPDATE' || privilege === 'DELETE' || privilege === 'USAGE')
      if (rights.has(writeAll)) return true
    return privilege === 'MAINTAIN' && rights.has(maintainAll)
  }
  const onSchema: Privileges['onSchema'] = (role, oid, privilege) => {
    const schema = catalog.schemas.get(oid)
    if (schema === undefined) return privilege === 'USAGE'
    if (owns(role, schema.owner) || granted(role, schema.grants, privilege)) return true
    return privilege === 'USAGE' && predefined(role, 'USAGE')
  }
  const inSchema = (role: Oid, schema: Oid) => superuser(role) || onSchema(role, schema, 'USAGE')
  // An owner that revoked its own grant can grant it again, so ownership counts as the privilege.
  const onWhole = (role: Oid, relation: Relation, privilege: string) =>
    owns(role, relation.owner) || granted(role, relation.grants, privilege) || predefined(role, privilege)

  return {
    owns,
    granted,
    onSchema,
    onRelation: (role, relation, privilege) =>
      inSchema(role, relation.schemaOid) &&
      (onWhole(role, relation, privilege) ||
        relation.columns.some((column) => granted(role, column.grants, privilege))),
    onWholeRelation: (role, relation, privilege) =>
      inSchema(role, relation.schemaOid) && onWhole(role, relation, privilege),
    onColumn: (role, relation, column, privilege) =>
      inSchema(role, relation.schemaOid) &&
      (onWhole(role, relation, privilege) || granted(role, column.grants, privilege)),
    onFunction: (role, fn) =>
      inSchema(role, fn.schemaOid) && (owns(role, fn.owner) || granted(role, fn.grants, 'EXECUTE')),
    onSequence: (role, sequence, privilege) => inSchema(role, sequence.schemaOid) && onWhole(role, sequence, privilege),
    onDatabase: (role, privilege) =>
      owns(role, catalog.database.owner) || granted(role, catalog.database.grants, privilege),
  }
}
