import type { Oid, Relation } from '../../catalog/model.ts'
import type { ActingRole, Facts } from '../facts.ts'
import type { Expr, Query } from '../sql/tree.ts'

/** Under whose row security a table is read: the acting role's, or nobody's (a definer beyond it). */
export type Viewer = ActingRole | 'bypass'

/** One use of a table in an expression. Two uses of the same table are two instances. */
export interface Instance {
  /** `#3`: what `column.table` is after names were resolved. */
  readonly id: string
  readonly relation: Relation
  readonly viewer: Viewer
}

/** What a name means at one place: tables by alias, arguments and variables by name; inner scopes first. */
export interface Scope {
  readonly items: readonly ScopeItem[]
  readonly variables: ReadonlyMap<string, Expr>
  readonly parameters: readonly Expr[]
  readonly viewer: Viewer
  /** What current_user is here: a SECURITY DEFINER function runs as its owner. */
  readonly currentUser: string
  readonly ctes: ReadonlyMap<string, Query['with'][number]>
  readonly outer: Scope | undefined
  /** Functions that are being read, to end recursion. */
  readonly inside: ReadonlySet<Oid>
}

export type ScopeItem =
  | { readonly alias: string; readonly instance: Instance; readonly derived?: undefined }
  /** A subquery or function in FROM: its columns are expressions already resolved. */
  | { readonly alias: string; readonly instance?: undefined; readonly derived: ReadonlyMap<string, Expr> }

/** All instances of one proof, so that an id says which table it is. */
export class Instances {
  readonly #all = new Map<string, Instance>()

  add(relation: Relation, viewer: Viewer): Instance {
    const instance = { id: `#${this.#all.size}`, relation, viewer }
    this.#all.set(instance.id, instance)
    return instance
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
    for (const item of at.items) {
      if (expr.table !== undefined && expr.table !== item.alias) continue
      if (item.instance === undefined) {
        const found = item.derived.get(expr.name)
        if (found !== undefined) return found
      } else if (item.instance.relation.columns.some((column) => column.name === expr.name))
        return { kind: 'column', table: item.instance.id, name: expr.name }
      // The nearest table of that name is the one that is meant, whether its columns are known or not.
      if (expr.table !== undefined) return expr
    }
    const variable = at.variables.get(expr.table === undefined ? expr.name : `${expr.table}.${expr.name}`)
    if (variable !== undefined) return variable
    const bare = at.variables.get(expr.name)
    // function_name.argument is another way to write an argument.
    if (bare !== undefined && expr.table !== undefined && at.items.every((item) => item.alias !== expr.table))
      return bare
  }
  return expr
}

/** The viewer of what a function of this owner reads when it is SECURITY DEFINER. */
export function definerViewer(facts: Facts, owner: Oid): Viewer {
  const role = facts.catalog.roles.get(owner)
  if (role === undefined || role.superuser || role.bypassRls) return 'bypass'
  return { role, path: [role.name], rights: facts.graph.rightsOf(owner), bypasses: false }
}
