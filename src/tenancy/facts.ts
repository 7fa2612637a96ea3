import type { Catalog } from '../catalog/catalog.ts'
import type { Column, DatabaseFunction, Oid, Relation, Role } from '../catalog/model.ts'
import type { Privileges, TablePrivilege } from '../catalog/privileges.ts'
import type { RoleGraph, RolePath } from '../catalog/role-graph.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { SqlReader } from '../sql/reader.ts'
import type { SettingUse } from './discovery/settings.ts'
import type { SessionCall } from './discovery/votes.ts'
import type { Fleet } from './fleet/fleet.ts'

/** A role that an attacker inside the application can act as: the application's role, or a role that it reaches by SET ROLE. */
export interface ActingRole {
  readonly role: Role
  /** From the app's role to this one: `['app', 'tenant_admin']`. */
  readonly path: readonly string[]
  /** The role itself and the roles whose grants and policies apply to it. PUBLIC (0) is not listed, but always applies. */
  readonly rights: ReadonlySet<Oid>
  /**
   * Whether no policy applies to the role, because it is a superuser or has BYPASSRLS. Rules about roles report such a role; other rules
   * leave it out.
   */
  readonly bypasses: boolean
}

/** The setting that names a session's tenant. `alternatives` are further settings of the same COALESCE. */
export type ContextSource = {
  readonly alternatives: readonly SettingUse[]
  /** The function call by which policies read the setting, if they use one. Fixes then use this call. */
  readonly call?: SessionCall
} /** The setting holds the tenant's id, perhaps inside JSON: `path` is `['tenant_id']` for `current_setting(…)::json->>'tenant_id'`. */ & (
  | { readonly kind: 'tenant'; readonly setting: string; readonly path: readonly string[]; readonly list?: true }
  /** The setting holds the key of a user or session. `table` lists the tenants of each key. */
  | {
      readonly kind: 'key'
      readonly setting: string
      readonly path: readonly string[]
      readonly table: Relation
      readonly keyColumn: Column
      /** Undefined if the table has no tenant column and the tenant needs a join. */
      readonly tenantColumn: Column | undefined
    }
)

/** A setting, and the columns that are compared with it. */
export interface SettingBinding {
  readonly use: SettingUse
  readonly columns: readonly { readonly relation: Relation; readonly column: Column }[]
}

/** How a relation is bound to tenants. */
export type TenantTable =
  /** A table with a tenant column. */
  | { readonly kind: 'tenant'; readonly relation: Relation; readonly column: Column }
  /** The table of tenants; `column` is its key. */
  | { readonly kind: 'root'; readonly relation: Relation; readonly column: Column }
  /** A table without a tenant column that has a foreign key to a tenant table. `parents` lists the nearest first. */
  | {
      readonly kind: 'child'
      readonly relation: Relation
      readonly column: undefined
      readonly parents: readonly ChildLink[]
      /**
       * The table is bound to no tenant, and its policies decide which rows a session reaches, such as `users` by their memberships. `parents`
       * are then the tables whose foreign keys name its rows.
       */
      readonly unbound?: true
    }

export interface ChildLink {
  readonly parent: Relation
  readonly columns: readonly string[]
  readonly parentColumns: readonly string[]
}

export interface Tenancy {
  readonly appRole: Role
  /** Other roles that requests act as, and that the application's role can't become. */
  readonly siblings: readonly Role[]
  /**
   * Roles that the application's role can become, and for which policies read another setting. `verify` judges these roles in a separate
   * scope.
   */
  readonly excluded: ReadonlySet<Oid>
  /** Set in the scope of tables whose rows belong to a person. In this scope, tables of tenants are not bound to tenants. */
  readonly personal?: true
  /** Schemas that are judged. */
  readonly schemas: ReadonlySet<string>
  /** Names of tenant columns, the most frequent first. */
  readonly columnNames: readonly string[]
  readonly root: { readonly relation: Relation; readonly key: Column } | undefined
  readonly tables: ReadonlyMap<Oid, TenantTable>
  readonly context: ContextSource
  /** Every setting that policies read, including that of the context. */
  readonly bindings: readonly SettingBinding[]
  /** The choices that discovery made, as sentences: `found org_id in 41 of 47 tables`. */
  readonly notes: readonly string[]
}

/** The prover's answer about one verb of one relation for one role. */
export type Proof =
  /** No row is reached: there is no privilege, or no policy is ever true. */
  | { readonly status: 'dark'; readonly how: string }
  | { readonly status: 'proved'; readonly how: string }
  /** It is certain that at least one branch of the policies lets another tenant's row pass. */
  | { readonly status: 'open'; readonly weaknesses: readonly Weakness[] }
  /** Neither was shown: the prover could not read the predicate, or a part of it. */
  | { readonly status: 'unproved'; readonly how: string; readonly weaknesses: readonly Weakness[] }

/** The kind of mistake in a branch that lets rows of another tenant pass. `classify` decides which rule reports it. */
export type WeaknessKind =
  | 'always-true'
  | 'captured-name'
  | 'fail-open'
  | 'swallowed-error'
  | 'bypass-flag'
  | 'user-claim'
  | 'null-tenant'
  | 'range-compare'
  | 'lossy-compare'
  | 'setting-mismatch'
  | 'wrong-column'
  | 'user-not-tenant'
  | 'role-identity'
  | 'column-opt-out'
  | 'trusts-table'
  /** No rule reports it. Only an attack can decide. */
  | 'beyond-the-prover'

/** One branch of an effective predicate that does not imply `tenant column = context`, and why. */
export interface Weakness {
  readonly kind: WeaknessKind
  readonly policy: string | undefined
  readonly clause: 'using' | 'check'
  /** The branch as SQL, shortened. */
  readonly text: string
  /** False: only suspected, so that an attack must decide. */
  readonly certain: boolean
  readonly explanation: string
  /** The setting, column or table on which the branch relies. Some rules name it in their findings. */
  readonly subject?: string
  /**
   * The policy looks another row up by a part of a composite key. The fix is then in the policy, which must also compare the tenant, and
   * not in the lookup table.
   */
  readonly namesPart?: true
  /** For rows that a lookup table names: the columns of the lookup table in `subject`, and the columns of the row that they equal. */
  readonly names?: { readonly columns: readonly string[]; readonly parentColumns: readonly string[] }
  /**
   * For a table without a tenant, a branch that no tenant's row decides. `everybody`: it asks nothing of the session. `sessions`: it asks
   * something of the session that is the same for all rows.
   */
  readonly passes?: 'everybody' | 'sessions'
}

export interface Proofs {
  of(relation: Relation, verb: Verb, role: ActingRole): Proof
}

/** Everything that rules and attacks know about the database. All rules and attacks of a run get the same frozen object. */
export interface Facts {
  readonly catalog: Catalog
  readonly graph: RoleGraph
  readonly privileges: Privileges
  readonly sql: SqlReader
  readonly tenancy: Tenancy
  /** Why attacks do not run as the application's login. If set, policies that test session_user are unproved. */
  readonly loginDoubt: string | undefined
  /** The application's role first, then the roles that it reaches by SET ROLE. */
  readonly acting: readonly ActingRole[]
  /** All roles that the application's role can become, also by ADMIN OPTION or inheritance. */
  readonly becomable: readonly RolePath[]
  readonly proofs: Proofs
  /** True when the context is expected to be sealed (there is a seal secret or a seal policy). */
  readonly sealed: boolean
  /** Tenants that have a schema each. Undefined if there are none. Their schemas are not among {@link relations}. */
  readonly fleet: Fleet | undefined

  /** Acting roles, without superusers and BYPASSRLS, that have the privilege on the relation. */
  reach(relation: Relation, privilege: TablePrivilege): readonly ActingRole[]
  /** Acting roles, without superusers and BYPASSRLS, that may call the function. */
  executors(fn: DatabaseFunction): readonly ActingRole[]
  /** Relations in the judged schemas, sorted by label. Relations of extensions and of the schema partywall are left out. */
  readonly relations: readonly Relation[]
  readonly functions: readonly DatabaseFunction[]
  relationOf(oid: Oid): Relation | undefined
  /** Finds a relation by its name in SQL. Without a schema it looks in `public`, and then for a name that exists only once. */
  relationNamed(schema: string | undefined, name: string): Relation | undefined
  functionsNamed(schema: string | undefined, name: string): readonly DatabaseFunction[]
  columnNamed(relation: Relation, name: string): Column | undefined
  columnNumbered(relation: Relation, number: number): Column | undefined
  tenantTable(relation: Relation): TenantTable | undefined
  /** As {@link tenantTable}, and also tables without a tenant whose policies apply to a role in reach (`unbound`). */
  judgedTable(relation: Relation): TenantTable | undefined
  /** Whether the table's policies apply to the role: row-level security is on, and it is forced or the role is no owner. */
  protectedFor(relation: Relation, role: ActingRole): boolean
  /** The name of a role; 0 is PUBLIC. */
  roleName(oid: Oid): string
}
