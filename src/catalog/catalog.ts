import type { DatabaseFunction, Grant, Membership, Oid, Relation, Role, Schema, StoredSetting } from './model.ts'
import type { OtherDefinition } from './read-definitions.ts'
import type { MarkedBuiltin } from './read-leakproof.ts'

export interface DefaultPrivilege {
  readonly role: Oid
  readonly schema: Oid
  readonly objectType: 'tables' | 'sequences' | 'functions' | 'types' | 'schemas' | 'large-objects'
  readonly grants: readonly Grant[]
}

export interface SequenceFacts {
  readonly oid: Oid
  readonly ownedByRelation: Oid
  readonly ownedByColumn: number
}

export interface TypeFacts {
  readonly oid: Oid
  readonly schema: string
  readonly name: string
  readonly kind: 'base' | 'composite' | 'domain' | 'enum' | 'range' | 'multirange' | 'pseudo'
  readonly owner: Oid
  readonly extension: string | undefined
  readonly enumLabels: readonly string[]
  readonly baseType: string
  /** False for a domain with a nondeterministic collation. */
  readonly deterministic: boolean
  readonly notNull: boolean
  readonly default: string | undefined
  readonly checks: readonly string[]
}

export interface Publication {
  readonly name: string
  readonly allTables: boolean
  readonly tables: readonly { readonly relation: Oid; readonly filter: string | undefined }[]
  readonly schemas: readonly Oid[]
}

export interface ForeignServer {
  readonly oid: Oid
  readonly name: string
  readonly wrapper: string
  readonly owner: Oid
  readonly options: readonly string[]
  readonly grants: readonly Grant[]
  /** Roles with a user mapping; 0 is PUBLIC. */
  readonly mappedRoles: readonly Oid[]
}

export interface Language {
  readonly name: string
  readonly trusted: boolean
  readonly grants: readonly Grant[]
}

export interface EventTrigger {
  readonly name: string
  readonly event: string
  readonly function: Oid
  readonly owner: Oid
  readonly enabled: boolean
}

export interface LargeObject {
  readonly oid: Oid
  readonly owner: Oid
}

/** A function of pg_catalog whose grants were changed. */
export interface GrantedBuiltin {
  readonly label: string
  readonly name: string
  readonly grants: readonly Grant[]
}

/**
 * A typed, frozen snapshot of one database's catalog, for `verify` and `protect`.
 *
 * It contains only the user's schemas. Objects of an extension have its name in `extension`.
 */
export interface Catalog {
  /** `server_version_num`: 180004. */
  readonly serverVersion: number
  readonly database: {
    readonly oid: Oid
    readonly name: string
    readonly owner: Oid
    readonly grants: readonly Grant[]
  }
  /** The role that read the catalog. */
  readonly reader: { readonly name: string; readonly superuser: boolean }
  readonly roles: ReadonlyMap<Oid, Role>
  readonly memberships: readonly Membership[]
  readonly storedSettings: readonly StoredSetting[]
  readonly parameterGrants: readonly { readonly parameter: string; readonly grants: readonly Grant[] }[]
  readonly schemas: ReadonlyMap<Oid, Schema>
  readonly relations: ReadonlyMap<Oid, Relation>
  readonly functions: ReadonlyMap<Oid, DatabaseFunction>
  readonly types: ReadonlyMap<Oid, TypeFacts>
  readonly sequences: ReadonlyMap<Oid, SequenceFacts>
  readonly defaultPrivileges: readonly DefaultPrivilege[]
  readonly extensions: readonly { readonly name: string; readonly version: string; readonly schema: string }[]
  readonly publications: readonly Publication[]
  readonly foreignServers: readonly ForeignServer[]
  readonly languages: readonly Language[]
  readonly eventTriggers: readonly EventTrigger[]
  /** The large objects of the database, at most 10,000. */
  readonly largeObjects: readonly LargeObject[]
  readonly grantedBuiltins: readonly GrantedBuiltin[]
  /** Functions of PostgreSQL and of extensions that somebody marked LEAKPROOF, although they reveal something about their arguments. */
  readonly markedBuiltins: readonly MarkedBuiltin[]
  /** Relations of pg_catalog with other grants than the server's initial grants, and their present grants. */
  readonly systemRelationGrants: readonly { readonly name: string; readonly grants: readonly Grant[] }[]
  /** Views of extended statistics without the fix of CVE-2024-4317, if the database has extended statistics. */
  readonly unfixedStatisticsViews: readonly string[]
  /** `schema.=`: operators in the user's schemas that belong to no extension. */
  readonly ownOperators: ReadonlySet<string>
  /** `schema.name` of nondeterministic collations. */
  readonly looseCollations: ReadonlySet<string>
  /** Names that functions in the user's schemas share with functions of pg_catalog. */
  readonly shadowedFunctions: ReadonlySet<string>
  /** `uuid as bigint`: user-defined casts between types of PostgreSQL itself. */
  readonly ownCasts: ReadonlySet<string>
  /** Definitions that no rule reads. Only the digest of the schema uses them. */
  readonly otherDefinitions: readonly OtherDefinition[]
}
