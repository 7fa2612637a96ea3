import type { Oid, PolicyCommand } from '../../catalog/model.ts'

/** The tenants that have a schema each, as the catalog shows them. `verify` reads it with a fixed number of queries. */
export interface Fleet {
  readonly schemas: readonly FleetSchema[]
  /** Tables, views, materialized views and foreign tables of the schemas. */
  readonly relations: readonly FleetRelation[]
  /** Objects in one tenant's schema that depend on an object in another tenant's schema. */
  readonly edges: readonly FleetEdge[]
  /** Functions and procedures in the schemas, and those in other schemas whose text or search_path names one of the schemas. */
  readonly functions: readonly FleetFunction[]
  /** Views outside of the schemas that read a table in one of the schemas. */
  readonly outsideViews: readonly OutsideView[]
  readonly defaultPrivileges: readonly FleetDefaultPrivilege[]
  /** Relations and types in schemas that belong to no tenant, if a tenant's schema contains the same name. */
  readonly sharedNames: readonly SharedName[]
  /** Rows of `partywall.schemas`. Undefined if there is no such table, or it can't be read. */
  readonly registry: readonly RegisteredSchema[] | undefined
}

export interface FleetSchema {
  readonly oid: Oid
  readonly name: string
  /** The tenant that the registry names. */
  readonly tenant: string | undefined
  /** Privileges on the schema that PUBLIC has, or that let a role of the application create objects: `PUBLIC USAGE`. */
  readonly wideRights: readonly string[]
}

export interface FleetRelation {
  readonly oid: Oid
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view' | 'materialized-view' | 'foreign-table'
  readonly owner: string
  readonly rowSecurity: boolean
  readonly forced: boolean
  /** Hash of the columns' names and types, without the name of the schema. */
  readonly shape: string
  /** Acting roles that have a privilege on it and USAGE on its schema. */
  readonly reach: readonly Oid[]
  readonly policies: readonly FleetPolicy[]
}

export interface FleetPolicy {
  readonly name: string
  readonly permissive: boolean
  readonly command: PolicyCommand
  /** 0 is PUBLIC. */
  readonly roles: readonly Oid[]
  readonly using: string | undefined
  readonly check: string | undefined
}

export interface FleetEdge {
  readonly schema: string
  /** The object, as PostgreSQL describes it. */
  readonly object: string
  /** The label of the relation that the object belongs to, or of the schema. */
  readonly label: string
  readonly neighbour: string
  readonly neighbourObject: string
  /** If the object is a trigger that calls a function: the label of the function. */
  readonly calls: string | undefined
}

export interface FleetFunction {
  readonly schema: string
  /** `schema.name(types)`. */
  readonly label: string
  readonly definer: boolean
  readonly path: string | undefined
  readonly source: string
  /** Whether PUBLIC or an acting role may execute the function. */
  readonly executable: boolean
}

export interface OutsideView {
  readonly label: string
  readonly schema: string
  readonly reads: string
  readonly reach: readonly Oid[]
}

export interface FleetDefaultPrivilege {
  readonly schema: string
  readonly objectType: string
  /** `PUBLIC` or a role's name. */
  readonly grantee: string
  readonly granteeOid: Oid
  readonly role: string
}

export interface SharedName {
  readonly label: string
  readonly name: string
  /** Whether row-level security is on and forced. */
  readonly protected: boolean
  /** How many schemas of tenants contain the name. */
  readonly schemas: number
  readonly isRelation: boolean
}

export interface RegisteredSchema {
  readonly schema: string
  readonly tenant: string
  readonly oid: Oid
}
