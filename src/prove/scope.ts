import type { Oid, Relation } from '../catalog/model.ts'
import type { Cte, Expr } from '../sql/tree.ts'
import type { ActingRole, Facts } from '../tenancy/facts.ts'
import { BeyondProver } from './beyond.ts'

/** The role whose policies apply when a table is read. `bypass`: none apply, as for a superuser or a role with BYPASSRLS. */
export type Viewer = ActingRole | 'bypass'

/** One use of a table in an expression. Two uses of the same table are two instances. */
export interface Instance {
  /** Such as `#3`. After names were resolved, `column.table` contains this id. */
  readonly id: string
  readonly relation: Relation
  readonly viewer: Viewer
}

/** The meaning of names at one place: tables by alias, arguments and variables by name. Inner scopes come first. */
export interface Scope {
  readonly items: readonly ScopeItem[]
  readonly variables: ReadonlyMap<string, Expr>
  readonly parameters: readonly Expr[]
  readonly viewer: Viewer
  /** The value of current_user here. A SECURITY DEFINER function runs as its owner. */
  readonly currentUser: string
  readonly ctes: ReadonlyMap<string, ScopedCte>
  readonly outer: Scope | undefined
  /** Functions that are being read, to end recursion. */
  readonly inside: ReadonlySet<Oid>
  /** search_path for names without a schema. Undefined for a text that the server printed: there every name has its schema. */
  readonly path: SearchPath | undefined
}

/** The search_path of a function's body. */
export interface SearchPath {
  /** Schemas in lookup order. `undefined`: the function has no fixed search_path, so the caller controls it. */
  readonly schemas: readonly string[] | undefined
}

/** A query of a WITH list, and the scope of its names: the queries before it in the list, and the surrounding query. */
export interface ScopedCte {
  readonly cte: Cte
  readonly scope: Scope
  /** True for WITH RECURSIVE: the query may read its own result. */
  readonly recursive: boolean
}

export type ScopeItem =
  | { readonly alias: string; readonly instance: Instance; readonly derived?: undefined }
  /** A subquery or function in FROM: its columns are expressions already resolved. */
  | {
      readonly alias: string
      readonly instance?: undefined
      readonly derived: ReadonlyMap<string, Expr>
      /** It has further columns whose values are not known. */
      readonly open?: true
    }

/** Maximum number of uses of tables in one proof. If each CTE reads another CTE twice, the number doubles with every level. */
const MAX_INSTANCES = 400

/** All instances of one proof, so that an id says which table it is. */
export class Instances {
  readonly #all = new Map<string, Instance>()
  #values = 0

  add(relation: Relation, viewer: Viewer): Instance {
    if (this.#all.size >= MAX_INSTANCES) throw new BeyondProver('the predicate reads too many tables')
    const instance = { id: `#${this.#all.size}`, relation, viewer }
    this.#all.set(instance.id, instance)
    return instance
  }

  /** An unknown value, which is the same at each place where the returned expression is used. */
  value(name: string): Expr {
    this.#values += 1
    return { kind: 'column', table: `#value ${this.#values}`, name }
  }

  get(id: string | undefined): Instance | undefined {
    return id === undefined ? undefined : this.#all.get(id)
  }

  values(): readonly Instance[] {
    return [...this.#all.values()]
  }
}

/** Resolves a column name: nearest scope first; then variables and arguments. Unknown names stay as they are. */
export function resolveColumn(expr: Extract<Expr, { kind: 'column' }>, scope: Scope): Expr {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const found = expr.table === undefined ? unqualified(expr, at.items) : qualified(expr, expr.table, at.items)
    if (found !== undefined) return found
    const variable = at.variables.get(expr.table === undefined ? expr.name : `${expr.table}.${expr.name}`)
    if (variable !== undefined) return variable
  }
  return expr
}

function unqualified(expr: Extract<Expr, { kind: 'column' }>, items: readonly ScopeItem[]): Expr | undefined {
  for (const item of items) {
    const found = columnOf(item, expr.name)
    if (found !== undefined) return found
  }
  // The name is a table's alias (the row as a whole), or may be an unknown column of a FROM item. In both cases it hides columns of that
  // name in outer scopes.
  return items.some((item) => item.alias === expr.name || (item.instance === undefined && item.open === true))
    ? expr
    : undefined
}

function qualified(
  expr: Extract<Expr, { kind: 'column' }>,
  table: string,
  items: readonly ScopeItem[],
): Expr | undefined {
  const [item, ...more] = items.filter((candidate) => candidate.alias === table)
  if (item === undefined) return undefined
  // The name means the nearest table, even if its column is not known. If two tables have that name, only the schema could decide.
  return (more.length === 0 ? columnOf(item, expr.name) : undefined) ?? expr
}

function columnOf(item: ScopeItem, name: string): Expr | undefined {
  if (item.instance === undefined) return item.derived.get(name)
  return item.instance.relation.columns.some((column) => column.name === name)
    ? { kind: 'column', table: item.instance.id, name }
    : undefined
}

/** The viewer of tables that a SECURITY DEFINER function or a view of this owner reads. */
export function definerViewer(facts: Facts, owner: Oid): Viewer {
  const role = facts.catalog.roles.get(owner)
  if (role === undefined || role.superuser || role.bypassRls) return 'bypass'
  return { role, path: [role.name], rights: facts.graph.rightsOf(owner), bypasses: false }
}
