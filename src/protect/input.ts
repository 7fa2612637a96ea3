import type { Catalog } from '../catalog/catalog.ts'
import type { Oid, Relation, Role } from '../catalog/model.ts'
import type { Knowledge } from './knowledge.ts'
import type { TenantSetting } from './sql-text.ts'
import type { FoundTable, Target } from './target.ts'

/** Input of a plan. The caller has done the discovery and passes in the result. */
export interface ProtectInput {
  readonly catalog: Catalog
  readonly tables: readonly FoundTable[]
  /** The role that the application logs in as; undefined if none was found. */
  readonly appRole: Role | undefined
  readonly setting: TenantSetting
  readonly seal: boolean
  /** Whether to write indexes that PostgreSQL can use on tables with policies. */
  readonly indexes: boolean
  /** The tables to protect, as `schema.table` or `table`. Undefined: all. */
  readonly only?: readonly string[] | undefined
  /** Schemas to protect. */
  readonly schemas: ReadonlySet<string>
  /** Tables that contain rows without a tenant (see `readOrphans`). */
  readonly orphans: ReadonlySet<Oid>
  readonly notes?: readonly string[]
  readonly knowledge?: Knowledge
}

/** The facts that all parts of a plan share: the input, what is known of the schema, and helpers. */
export interface Planning extends Omit<ProtectInput, 'tables' | 'only' | 'orphans' | 'knowledge'>, Knowledge {
  readonly targets: readonly Target[]
  readonly targetOf: (oid: Oid) => Target | undefined
  /** The app's role and all roles that it can become, without superusers and roles with BYPASSRLS. */
  readonly acting: readonly Role[]
  readonly roleName: (oid: Oid) => string
  /** The role itself, and the roles whose privileges it inherits. */
  readonly rightsOf: (role: Oid) => ReadonlySet<Oid>
  readonly mayDo: (role: Role, relation: Relation, verb: 'select' | 'insert' | 'update' | 'delete') => boolean
  /** Whether the role has any privilege on the relation's rows. */
  readonly mayTouch: (role: Role, relation: Relation) => boolean
}
