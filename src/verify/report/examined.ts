import type { RelationKind } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'

/** What a run looked at, as the catalog shows it. Reports for auditors print it; no verdict depends on it. */
export interface Examined {
  /** Names of the schemas that were judged. */
  readonly schemas: readonly string[]
  /** Number of objects in the judged schemas. */
  readonly objects: Readonly<Record<ObjectKind, number>>
  /** Number of schemas that hold one tenant each. Their objects are not among `objects` and `relations`. */
  readonly tenantSchemas: number
  /** Roles of the application, and owners of the judged relations. */
  readonly roles: readonly ExaminedRole[]
  readonly relations: readonly ExaminedRelation[]
  /** What each attack did. Empty if nothing was attacked. */
  readonly attacks: readonly AttackCount[]
  /** The controls of the attacks, for each role that has the privilege. Empty if nothing was attacked. */
  readonly controls: readonly ExaminedControl[]
  /** The cells (table and verb) that leak, and whether an attack reached rows by that verb. */
  readonly leaks: readonly ExaminedLeak[]
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
  /** Names of the roles that it was granted directly. */
  readonly memberOf: readonly string[]
  /** From the application's role to this one; undefined: the application can't act as it. */
  readonly path: readonly string[] | undefined
  /** Labels of the judged relations that it owns. */
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
  /** `attack`: an attack reached rows by this verb. `reading`: policies, grants or row-level security show it; no attack used this verb. */
  readonly by: 'attack' | 'reading'
  /** Keys of the findings that say so. */
  readonly keys: readonly string[]
}

/** Whether a tenant could use a verb on its own planted row, as one role. */
export interface ExaminedControl {
  readonly object: string
  readonly verb: Verb
  readonly role: string
  /** `worked`; else an attack that reached nothing by this verb shows nothing. */
  readonly status: 'worked' | 'dark' | 'refused' | 'error' | 'not-run'
}

/** What one attack did. */
export interface AttackCount {
  readonly name: string
  /** Savepoints in which it sent statements as one role in one context. One probe may hold many statements. */
  readonly probes: number
  /** Labels of the objects on which it succeeded. */
  readonly reached: readonly string[]
}
