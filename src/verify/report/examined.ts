import type { RelationKind, Trigger } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'

/** What a run looked at, as the catalog shows it. Reports for auditors print this; no verdict depends on it. */
export interface Examined {
  /** Names of the schemas that were judged. */
  readonly schemas: readonly string[]
  /** Number of objects in the judged schemas. */
  readonly objects: Readonly<Record<ObjectKind, number>>
  /** Number of schemas that hold one tenant each. Their objects are not among `objects` and `relations`. */
  readonly tenantSchemas: number
  /** Relations of those schemas. Relations that differ only in their schema are one entry. */
  readonly tenantRelations: readonly ExaminedFleetRelation[]
  readonly server: ExaminedServer
  /**
   * Roles of the application, and the other roles that the report names: owners, grantees, roles of policies, and members of these roles.
   * Unless the server was started for the run, also the roles of the server to which no policy applies, and the roles that reach data past
   * the policies.
   */
  readonly roles: readonly ExaminedRole[]
  /**
   * The number of functions in the schema partywall, and how many of them are SECURITY DEFINER. Undefined if there is no such schema, or if
   * it is one of the judged schemas.
   */
  readonly ownSchema: { readonly functions: number; readonly definers: number } | undefined
  readonly relations: readonly ExaminedRelation[]
  /** What the tried roles may do on the judged relations. A relation on which a role has no privilege has no entry. */
  readonly grants: readonly ExaminedGrant[]
  /** What other roles were granted on the judged relations, or have as owners. These roles were not tried. */
  readonly untriedGrants: readonly ExaminedGrant[]
  /** What the tried roles may do on the database and its schemas. */
  readonly wideGrants: readonly ExaminedGrant[]
  /** What other roles and PUBLIC were granted on the database and its schemas, or have as owners. */
  readonly untriedWideGrants: readonly ExaminedGrant[]
  readonly functions: readonly ExaminedFunction[]
  readonly triggers: readonly ExaminedTrigger[]
  readonly views: readonly ExaminedView[]
  readonly rewriteRules: readonly ExaminedRule[]
  /** Each cell (tenant table and verb) as each role that was tried. */
  readonly cells: readonly ExaminedCell[]
  /** What each attack did. Empty if nothing was attacked. */
  readonly attacks: readonly AttackCount[]
  /** The controls of the attacks, for each role that has the privilege. Empty if nothing was attacked. */
  readonly controls: readonly ExaminedControl[]
  /** The cells (table and verb) that leak, and whether an attack reached rows by that verb. */
  readonly leaks: readonly ExaminedLeak[]
  /** Scripts that repeat attacks which reached a row. They hold planted values, which differ from run to run. */
  readonly scripts: readonly ExaminedScript[]
  /** Statements of attacks that reached nothing, for each scope that was attacked. Their values differ from run to run. */
  readonly held: readonly ExaminedHeld[]
}

/** Statements of attacks that reached nothing, and what a reader needs to send them again. */
export interface ExaminedHeld {
  /** INSERTs of the planted rows, by table. */
  readonly rows: readonly { readonly object: string; readonly sql: string }[]
  /** The SQL by which a session gets the role and the context. */
  readonly actors: readonly { readonly name: string; readonly sql: string }[]
  readonly statements: readonly HeldStatement[]
}

/** The statements of one probe of an attack. The attack reached no row of another tenant on this object. */
export interface HeldStatement {
  readonly attack: string
  /** Label of the table, view or function that the statements name. */
  readonly object: string
  /** Set only for attacks that try verbs of tables. */
  readonly verb?: Verb
  /** `as app, tenant A`. Left out if the statements set role and context themselves. */
  readonly by?: string
  /** The role of the actor. */
  readonly role?: string
  readonly sql: string
  /** A query that returns one value and looks for an effect. The planting role runs this query. */
  readonly check?: string
  /** The answer to the last statement: `no row`, `error 42501: permission denied for table notes`. */
  readonly outcome: string
  /** How often the attack tried the object. Each statement of a probe with many statements counts. */
  readonly tries: number
}

/** Facts about the server that can change the result. */
export interface ExaminedServer {
  /** The role of the connection by which verify read the catalog. */
  readonly reader: { readonly name: string; readonly superuser: boolean }
  /** The system identifier. Undefined if the server was started for the run, or if the role may not read the identifier. */
  readonly identifier: string | undefined
  /** `PostgreSQL 18.4 on x86_64-pc-linux-gnu, …`: what version() says. */
  readonly version: string
  /** Settings as a new session has them. */
  readonly settings: readonly { readonly name: string; readonly value: string }[]
  /** Settings of roles and databases: `role app: search_path = public`. Values that may be secret are left out. */
  readonly stored: readonly string[]
  /** `citext 1.8 in public`, for example. */
  readonly extensions: readonly string[]
}

/** The privileges of one role on one relation, also by PUBLIC, membership and ownership. */
export interface ExaminedGrant {
  readonly role: string
  readonly object: string
  /** `SELECT`, or `SELECT (id, body)` if only some columns are granted. */
  readonly privileges: readonly string[]
}

/** A function or procedure as the catalog has it. */
export interface ExaminedFunction {
  /** `schema.name(types)`. */
  readonly object: string
  readonly owner: string
  readonly language: string
  /** SECURITY DEFINER: it runs with the rights of its owner. */
  readonly definer: boolean
  /** Settings that apply while the function runs, such as `search_path = pg_catalog`. */
  readonly settings: readonly string[]
  /** Roles to which EXECUTE is granted, and PUBLIC. */
  readonly grantees: readonly string[]
  /** Roles of the run that may call it. */
  readonly callers: readonly string[]
  /** SHA-256 of the function's body, in hex. */
  readonly sha256: string
}

export interface ExaminedTrigger {
  /** Label of the relation, or `database` for an event trigger. */
  readonly object: string
  readonly name: string
  /** `before insert or update, for each row`. */
  readonly when: string
  /** Label of the function that it calls. */
  readonly calls: string
  readonly enabled: Trigger['enabled']
  /** Left out for an event trigger. */
  readonly definition?: string
}

export interface ExaminedView {
  readonly object: string
  readonly kind: RelationKind
  readonly owner: string
  /** `security_invoker = true`. */
  readonly options: readonly string[]
  readonly definition: string
}

/** A rewrite rule (CREATE RULE). */
export interface ExaminedRule {
  readonly object: string
  readonly name: string
  readonly definition: string
}

export interface ExaminedCell {
  readonly object: string
  readonly verb: Verb
  readonly role: string
  /**
   * `none`: the role has no privilege. `dark`: no policy lets it reach a row. `open`: it is certain that policies let rows of others pass.
   */
  readonly proof: 'none' | 'dark' | 'proved' | 'open' | 'unproved'
  /** Undefined if no control was run, because the role has no privilege or nothing was attacked. */
  readonly control?: ExaminedControl['status']
  /** Statements by which read-across and write-across tried the verb. */
  readonly tries: number
  /** How many observations of attacks say that a row of another tenant was reached. */
  readonly reached: number
}

/** SQL for psql that plants rows, repeats one attack and rolls back. */
export interface ExaminedScript {
  /** The rule that the script belongs to, if an attack on one rule made the script. */
  readonly rule?: string
  /** The detail of the finding, if the object may have several findings of the rule. */
  readonly detail?: string
  readonly object: string
  readonly verb: Verb
  /** `as app, tenant A`. */
  readonly by: string
  readonly sql: string
}

/** Relations of tenants' own schemas that are alike. */
export interface ExaminedFleetRelation {
  readonly name: string
  readonly kind: string
  readonly owner: string
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly schemas: readonly string[]
  /** Names of the tried roles that have a privilege on the relation and USAGE on its schema. */
  readonly reach: readonly string[]
  /** The name of the schema in expressions is replaced by `<schema>`, and the tenant's id by `<tenant>`. */
  readonly policies: readonly ExaminedPolicy[]
}

/** Kinds of objects that rules look at. */
export type ObjectKind =
  | RelationKind
  | 'function'
  | 'security-definer'
  | 'policy'
  | 'trigger'
  | 'foreign-key'
  | 'rewrite-rule'

export interface ExaminedRole {
  readonly name: string
  readonly login: boolean
  readonly superuser: boolean
  readonly bypassRls: boolean
  readonly replication: boolean
  /** Names of the roles that were granted to this role directly. */
  readonly memberOf: readonly string[]
  /** The chain of roles from the application's role to this role. Undefined if the application can't act as this role. */
  readonly path: readonly string[] | undefined
  /** Labels of the judged relations that this role owns. */
  readonly owns: readonly string[]
}

export interface ExaminedRelation {
  readonly object: string
  readonly kind: RelationKind
  readonly owner: string
  readonly rowSecurity: boolean
  readonly forced: boolean
  /** `tenant`: has a tenant column; `root`: its rows are the tenants; `child`: a foreign key leads to a tenant table. */
  readonly bound: 'tenant' | 'root' | 'child' | undefined
  readonly column: string | undefined
  readonly policies: readonly ExaminedPolicy[]
}

export interface ExaminedPolicy {
  readonly name: string
  readonly permissive: boolean
  readonly command: string
  readonly roles: readonly string[]
  readonly using: string | undefined
  readonly check: string | undefined
}

export interface ExaminedLeak {
  readonly object: string
  readonly verb: Verb
  /**
   * `attack`: an attack reached rows by this verb. `reading`: policies, grants or row-level security show the leak, and no attack is known
   * to have reached rows.
   */
  readonly by: 'attack' | 'reading'
  /** Keys of the findings that report the leak. */
  readonly keys: readonly string[]
}

/** Whether a tenant could use a verb on its own planted row, as one role. */
export interface ExaminedControl {
  readonly object: string
  readonly verb: Verb
  readonly role: string
  /** If the status is not `worked`, an attack that reached nothing by this verb proves nothing. */
  readonly status: 'worked' | 'dark' | 'refused' | 'no-row' | 'error' | 'not-run'
}

/** What one attack did. */
export interface AttackCount {
  readonly name: string
  /** Savepoints in which the attack sent statements as one role in one context. One probe may hold many statements. */
  readonly probes: number
  /** Labels of the objects on which the attack succeeded. */
  readonly reached: readonly string[]
  /** What the attack looks for before it sends a probe. */
  readonly needs?: string
  /** Rules that report an object which the attack can try. */
  readonly said?: readonly string[]
}
