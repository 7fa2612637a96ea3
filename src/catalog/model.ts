/** An object id of the server. */
export type Oid = number

/** The OID that means everybody as a grantee, as the role of a policy, or as the target of a stored setting. */
export const PUBLIC_OID: Oid = 0

/** An object that runs statements: a pg Client, a PoolClient, or a session of the attacks. */
export interface Queryable {
  query<Row extends Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
  ): Promise<{ readonly rows: readonly Row[] }>
}

/** One granted privilege; `grantee` 0 is PUBLIC. */
export interface Grant {
  readonly grantee: Oid
  readonly privilege: string
  readonly grantable: boolean
}

export interface Role {
  readonly oid: Oid
  readonly name: string
  readonly superuser: boolean
  readonly inherit: boolean
  readonly createRole: boolean
  readonly createDatabase: boolean
  readonly login: boolean
  readonly replication: boolean
  readonly bypassRls: boolean
}

/** `member` was granted `role`. Before PostgreSQL 16, `inherit` is an attribute of the member, and `set` is always true. */
export interface Membership {
  readonly role: Oid
  readonly member: Oid
  readonly admin: boolean
  readonly inherit: boolean
  readonly set: boolean
}

/** A setting stored for a role, a database or both (`ALTER ROLE … IN DATABASE … SET`); 0 is all. */
export interface StoredSetting {
  readonly role: Oid
  readonly database: Oid
  readonly name: string
  readonly value: string
}

export interface Schema {
  readonly oid: Oid
  readonly name: string
  readonly owner: Oid
  readonly grants: readonly Grant[]
  readonly extension: string | undefined
}

export type RelationKind = 'table' | 'partitioned-table' | 'view' | 'materialized-view' | 'foreign-table' | 'sequence'

export interface Column {
  readonly number: number
  readonly name: string
  /** As declared: `uuid`, `character varying(40)`, `app.org_ref`. */
  readonly type: string
  readonly typeOid: Oid
  /** The type without its modifier: `uuid`, `character varying`. For a domain, the type on which it is based. */
  readonly baseType: string
  readonly baseTypeOid: Oid
  /** pg_type.typcategory of the base type: S string, N number, A array, E enum, … */
  readonly category: string
  /** NOT NULL on the column itself, or on a domain that it uses. */
  readonly notNull: boolean
  /** The default of the column, or else of its domain. */
  readonly default: string | undefined
  /** The column itself has a default, and not only its domain. */
  readonly hasOwnDefault: boolean
  readonly generated: 'stored' | 'virtual' | undefined
  readonly identity: 'always' | 'by-default' | undefined
  readonly collation: string | undefined
  /** False for a nondeterministic collation, in which the operator = also matches other spellings. */
  readonly deterministic: boolean
  readonly grants: readonly Grant[]
  /** Functions that the column's own default calls. */
  readonly defaultFunctions: readonly Oid[]
  /** Functions that the default and the CHECK constraints of the column's domain call. */
  readonly domainFunctions: readonly Oid[]
}

export type PolicyCommand = 'all' | 'select' | 'insert' | 'update' | 'delete'

export interface Policy {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly permissive: boolean
  readonly command: PolicyCommand
  /** 0 is PUBLIC. */
  readonly roles: readonly Oid[]
  /** The text as the server prints it, with every name qualified. */
  readonly using: string | undefined
  readonly check: string | undefined
  readonly functions: readonly Oid[]
  readonly relations: readonly Oid[]
}

export type ForeignKeyAction = 'no-action' | 'restrict' | 'cascade' | 'set-null' | 'set-default'

export interface Constraint {
  readonly oid: Oid
  readonly name: string
  readonly kind: 'check' | 'foreign-key' | 'primary-key' | 'unique' | 'exclusion' | 'not-null' | 'trigger'
  readonly relation: Oid
  /** The domain that the constraint belongs to, if `relation` is 0. */
  readonly domain: Oid
  readonly columns: readonly number[]
  readonly definition: string
  readonly expression: string | undefined
  readonly validated: boolean
  readonly enforced: boolean
  readonly withoutOverlaps: boolean
  readonly index: Oid
  readonly functions: readonly Oid[]
  /** For a partition's copy of a constraint: the constraint of the parent. Otherwise 0. */
  readonly parent: Oid
  readonly references:
    | {
        readonly relation: Oid
        readonly columns: readonly number[]
        readonly onDelete: ForeignKeyAction
        readonly onUpdate: ForeignKeyAction
        readonly match: 'simple' | 'full' | 'partial'
        /** `ON DELETE SET NULL (columns)`; empty: all of them. */
        readonly setColumns: readonly number[]
      }
    | undefined
}

export interface Index {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly unique: boolean
  readonly primary: boolean
  readonly exclusion: boolean
  readonly valid: boolean
  /** Key columns in order; 0 is an expression. Columns of INCLUDE are left out. */
  readonly columns: readonly number[]
  readonly expressions: string | undefined
  readonly predicate: string | undefined
  readonly definition: string
  readonly method: string
  readonly functions: readonly Oid[]
  readonly blindKeys: readonly BlindKey[]
}

/**
 * An index key that PostgreSQL does not use on a table with row-level security: its operator or its functions are not leakproof, so PostgreSQL
 * must not run them before the policy has filtered the rows.
 */
export interface BlindKey {
  /** The place of the key in the index, from 1. */
  readonly position: number
  /** The number of the column; 0 is an expression. */
  readonly column: number
  /** The key as the server prints it: `amount`, `lower(email)`. */
  readonly key: string
  /** `numeric(12,2)`, `public.state`, `citext`. */
  readonly type: string
  readonly isEnum: boolean
  /** True if the operators of the index are not leakproof. If false, only `functions` keep the key from being used. */
  readonly operatorsLeak: boolean
  /** The parts of an expression that are not leakproof: `lower(text)`, `COALESCE`. */
  readonly functions: readonly string[]
}

export interface Trigger {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly function: Oid
  readonly enabled: 'origin' | 'disabled' | 'replica' | 'always'
  readonly timing: 'before' | 'after' | 'instead-of'
  readonly events: readonly ('insert' | 'update' | 'delete' | 'truncate')[]
  readonly forEachRow: boolean
  readonly updateColumns: readonly number[]
  readonly when: string | undefined
  readonly definition: string
}

/** A rewrite rule other than the `_RETURN` rule of a view. */
export interface RewriteRule {
  readonly oid: Oid
  readonly name: string
  readonly relation: Oid
  readonly event: 'select' | 'update' | 'insert' | 'delete'
  readonly instead: boolean
  readonly enabled: string
  readonly definition: string
  readonly relations: readonly Oid[]
}

export interface Relation {
  readonly oid: Oid
  readonly schema: string
  readonly schemaOid: Oid
  readonly name: string
  /** `schema.name`, unquoted, for findings and reports. */
  readonly label: string
  readonly kind: RelationKind
  readonly owner: Oid
  readonly rowSecurity: boolean
  readonly forceRowSecurity: boolean
  readonly isPartition: boolean
  /** `FOR VALUES IN ('eu')`, `FOR VALUES FROM (…) TO (…)`, `DEFAULT`: which rows a partition holds. */
  readonly partitionBound: string | undefined
  /** `RANGE (created_at)`: the partition key of a partitioned table. */
  readonly partitionKey: string | undefined
  readonly temporary: boolean
  readonly unlogged: boolean
  /** `security_invoker`, `security_barrier`, `check_option`, … as stored; booleans are `true`/`false` text. */
  readonly options: ReadonlyMap<string, string>
  readonly columns: readonly Column[]
  readonly grants: readonly Grant[]
  readonly policies: readonly Policy[]
  readonly constraints: readonly Constraint[]
  readonly indexes: readonly Index[]
  readonly triggers: readonly Trigger[]
  readonly rules: readonly RewriteRule[]
  /** The direct parents, by partitioning or INHERITS. */
  readonly parents: readonly Oid[]
  /** Direct children by partitioning or INHERITS. */
  readonly children: readonly Oid[]
  /** A view's query as the server prints it, every name qualified. */
  readonly viewDefinition: string | undefined
  /** Tables and views that a view reads directly. */
  readonly readsRelations: readonly Oid[]
  readonly callsFunctions: readonly Oid[]
  /** Auto-updatable events of a view: bit 2 update, 3 insert, 4 delete (pg_relation_is_updatable). */
  readonly updatable: number
  readonly foreignServer: Oid | undefined
  /** 0 if the table is empty or was never analysed. */
  readonly estimatedRows: number
  /** By column number, the share of the rows that hold the most frequent value. Only for large tables with statistics. */
  readonly largestShares: ReadonlyMap<number, number>
  readonly extension: string | undefined
  readonly comment: string | undefined
}

export interface FunctionArgument {
  readonly name: string
  readonly type: string
  readonly typeOid: Oid
  readonly baseType: string
  readonly mode: 'in' | 'out' | 'inout' | 'variadic' | 'table'
}

export interface DatabaseFunction {
  readonly oid: Oid
  readonly schema: string
  readonly schemaOid: Oid
  readonly name: string
  /** `schema.name(type, type)`, for findings. It is also valid SQL in ALTER FUNCTION if no name needs quotes. */
  readonly label: string
  /** Quoted for SQL: `"app"."do it"(uuid)`. */
  readonly signature: string
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window'
  readonly owner: Oid
  readonly language: string
  readonly languageTrusted: boolean
  readonly securityDefiner: boolean
  readonly leakproof: boolean
  readonly strict: boolean
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly cost: number
  /** proconfig: `search_path` → its value. */
  readonly config: ReadonlyMap<string, string>
  /** The string body; empty for BEGIN ATOMIC. */
  readonly source: string
  /** `BEGIN ATOMIC …` or `RETURN …` as the server prints it. */
  readonly atomicBody: string | undefined
  /** CREATE OR REPLACE FUNCTION …, every name qualified; undefined for aggregates. */
  readonly definition: string | undefined
  readonly arguments: readonly FunctionArgument[]
  /** Input arguments that may be left out at the end. */
  readonly defaultedArguments: number
  readonly returnType: string
  readonly returnTypeOid: Oid
  readonly returnsSet: boolean
  readonly returnsTrigger: boolean
  readonly grants: readonly Grant[]
  readonly extension: string | undefined
  /** Only for BEGIN ATOMIC bodies. */
  readonly readsRelations: readonly Oid[]
  readonly callsFunctions: readonly Oid[]
}
