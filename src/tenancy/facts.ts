import type { Catalog } from '../catalog/catalog.ts'
import type { Column, DatabaseFunction, Oid, Relation, Role } from '../catalog/model.ts'
import type { Privileges, TablePrivilege } from '../catalog/privileges.ts'
import type { RoleGraph, RolePath } from '../catalog/role-graph.ts'
import type { Verb } from '../catalog/verbs.ts'
import type { SqlReader } from '../sql/reader.ts'
import type { SettingUse } from './discovery/settings.ts'
import type { SessionCall } from './discovery/votes.ts'

/** A role that an attacker inside the app can be in force as: the app's login role, or one that SET ROLE gives it. */
export interface ActingRole {
  readonly role: Role
  /** From the app's role to this one: `['app', 'tenant_admin']`. */
  readonly path: readonly string[]
  /** Roles whose grants and policies apply to it, itself included; PUBLIC (0) is not in it but always applies. */
  readonly rights: ReadonlySet<Oid>
  /** Superuser or BYPASSRLS: no policy holds it. The role rules report that; other rules leave it out. */
  readonly bypasses: boolean
}

/** Where the tenant of a session comes from. `alternatives` are settings that are coalesced with the first. */
export type ContextSource = {
  readonly alternatives: readonly SettingUse[]
  /** How the policies ask for it, where that is a call: fixes keep it. */
  readonly call?: SessionCall
} /** The setting holds the tenant's id, perhaps inside JSON: `path` is `['tenant_id']` for `current_setting(…)::json->>'tenant_id'`. */ & (
  | { readonly kind: 'tenant'; readonly setting: string; readonly path: readonly string[]; readonly list?: true }
  /** The setting holds a user's or session's key; `table` says which tenants it has. */
  | {
      readonly kind: 'key'
      readonly setting: string
      readonly path: readonly string[]
      readonly table: Relation
      readonly keyColumn: Column
      /** Undefined when the tenant is a join away. */
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
  /** Has a tenant column. */
  | { readonly kind: 'tenant'; readonly relation: Relation; readonly column: Column }
  /** The tenants themselves; `column` is their key. */
  | { readonly kind: 'root'; readonly relation: Relation; readonly column: Column }
  /** No tenant column, but a foreign key to a table of one of these kinds (nearest first; never through the root alone). */
  | {
      readonly kind: 'child'
      readonly relation: Relation
      readonly column: undefined
      readonly parents: readonly ChildLink[]
    }

export interface ChildLink {
  readonly parent: Relation
  readonly columns: readonly string[]
  readonly parentColumns: readonly string[]
}

export interface Tenancy {
  readonly appRole: Role
  /** Roles that requests act as beside it, though it can't become them. */
  readonly siblings: readonly Role[]
  /** Roles that the app's role can become and that have a context of their own: they are looked at by themselves. */
  readonly excluded: ReadonlySet<Oid>
  /** Schemas that are looked at. */
  readonly schemas: ReadonlySet<string>
  /** Names of tenant columns, the commonest first. */
  readonly columnNames: readonly string[]
  readonly root: { readonly relation: Relation; readonly key: Column } | undefined
  readonly tables: ReadonlyMap<Oid, TenantTable>
  readonly context: ContextSource
  /** Every setting that policies read, the context's own among them. */
  readonly bindings: readonly SettingBinding[]
  /** What was found without being told, as sentences: `found org_id in 41 of 47 tables`. */
  readonly notes: readonly string[]
}

/** What the prover knows about one verb of one relation for one role. */
export type Proof =
  /** No privilege, or no policy ever lets a row through. */
  | { readonly status: 'dark'; readonly how: string }
  | { readonly status: 'proved'; readonly how: string }
  /** Some branch of the effective predicate lets another tenant's row through. */
  | { readonly status: 'open'; readonly weaknesses: readonly Weakness[] }
  /** Neither: the predicate, or a part, is beyond the prover. */
  | { readonly status: 'unproved'; readonly how: string; readonly weaknesses: readonly Weakness[] }

/** What a branch looks like that lets rows of another tenant through. Which rule speaks of it is `classify`'s to say. */
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
  /** No rule speaks of it: the attack decides, or nobody. */
  | 'beyond-the-prover'

/** One branch of an effective predicate that does not imply `tenant column = context`, and why. */
export interface Weakness {
  readonly kind: WeaknessKind
  readonly policy: string | undefined
  readonly clause: 'using' | 'check'
  /** The branch as SQL, shortened. */
  readonly text: string
  /** Sure, or only suspected (left to the attack). */
  readonly certain: boolean
  readonly explanation: string
  /** For rules that need it: the setting, column or table that the branch trusts. */
  readonly subject?: string
  /** The table that is trusted is in order: it is the policy that must name the tenant. */
  readonly namesPart?: true
}

export interface Proofs {
  of(relation: Relation, verb: Verb, role: ActingRole): Proof
}

/** Everything that a rule may ask. Frozen; the same for every rule and attack of a run. */
export interface Facts {
  readonly catalog: Catalog
  readonly graph: RoleGraph
  readonly privileges: Privileges
  readonly sql: SqlReader
  readonly tenancy: Tenancy
  /** Why attacks are not the application's login, or may not be; undefined where they are. Then policies that ask who logged in are unproved. */
  readonly loginDoubt: string | undefined
  /** The app's role first, then those that SET ROLE gives it. */
  readonly acting: readonly ActingRole[]
  /** All that the app's role can become in any way (ADMIN OPTION and inheritance too). */
  readonly becomable: readonly RolePath[]
  readonly proofs: Proofs
  /** True when the context is expected to be sealed (a seal secret or a seal policy is there). */
  readonly sealed: boolean

  /** Acting roles without bypass that have the privilege on the relation. Empty: nobody in reach. */
  reach(relation: Relation, privilege: TablePrivilege): readonly ActingRole[]
  /** Acting roles without bypass that may call the function. */
  executors(fn: DatabaseFunction): readonly ActingRole[]
  /** Relations in the schemas looked at, of the user's own (no extension, no partywall schema), sorted by label. */
  readonly relations: readonly Relation[]
  readonly functions: readonly DatabaseFunction[]
  relationOf(oid: Oid): Relation | undefined
  /** By name as written in SQL; without a schema, `public` and then any unambiguous one. */
  relationNamed(schema: string | undefined, name: string): Relation | undefined
  functionsNamed(schema: string | undefined, name: string): readonly DatabaseFunction[]
  columnNamed(relation: Relation, name: string): Column | undefined
  columnNumbered(relation: Relation, number: number): Column | undefined
  tenantTable(relation: Relation): TenantTable | undefined
  /** Row security is on, and forced or the role is no owner. */
  protectedFor(relation: Relation, role: ActingRole): boolean
  /** Role names of a list of policy roles or grantees; 0 is PUBLIC. */
  roleName(oid: Oid): string
}
