import type { DatabaseFunction } from '../../catalog/model.ts'
import type { Facts } from '../facts.ts'
import type { Expr } from '../sql/tree.ts'
import { calledFunction, inlineBody } from './inline.ts'
import { definerViewer, type Instances, resolveColumn, type Scope } from './scope.ts'

const MAX_DEPTH = 12

/**
 * Gives every name in an expression its meaning: columns become instance columns, arguments and variables what they hold,
 * functions that can be read become their body. Subqueries stay closed; `scopeOf` has what their names mean.
 */
export class Resolver {
  readonly facts: Facts
  readonly instances: Instances
  readonly appRole: string
  readonly #closures = new WeakMap<Expr, Scope>()
  /** Functions whose body was not one expression, met on the way. */
  readonly opaque = new Set<string>()

  constructor(facts: Facts, instances: Instances) {
    this.facts = facts
    this.instances = instances
    this.appRole = facts.tenancy.appRole.name
  }

  scopeOf(subquery: Expr): Scope | undefined {
    return this.#closures.get(subquery)
  }

  resolve(expr: Expr, scope: Scope): Expr {
    const go = (part: Expr) => this.resolve(part, scope)
    const maybe = (part: Expr | undefined) => (part === undefined ? undefined : go(part))
    switch (expr.kind) {
      case 'column':
        return expr.table?.startsWith('#') === true ? expr : resolveColumn(expr, scope)
      case 'parameter':
        return scope.parameters[expr.number - 1] ?? expr
      case 'keyword':
        return this.#keyword(expr.name, scope) ?? expr
      case 'call':
        return this.#call(expr, scope)
      case 'subquery':
        return this.#subquery(expr, scope)
      case 'and':
      case 'or':
      case 'coalesce':
        return { ...expr, args: expr.args.map(go) }
      case 'cast':
      case 'not':
      case 'null-test':
      case 'boolean-test':
      case 'collate':
        return { ...expr, arg: go(expr.arg) }
      case 'operator':
        if (this.#isOwnOperator(expr, scope))
          return unread(expr.op, expr.left === undefined ? [go(expr.right)] : [go(expr.left), go(expr.right)])
        return { ...expr, left: maybe(expr.left), right: go(expr.right) }
      case 'any':
      case 'all':
        if (this.#isOwnOperator(expr, scope)) return unread(expr.op, [go(expr.left), go(expr.array)])
        return { ...expr, left: go(expr.left), array: go(expr.array) }
      case 'distinct':
      case 'nullif':
        return { ...expr, left: go(expr.left), right: go(expr.right) }
      case 'case':
        return {
          ...expr,
          subject: maybe(expr.subject),
          whens: expr.whens.map(({ when, then }) => ({ when: go(when), then: go(then) })),
          otherwise: maybe(expr.otherwise),
        }
      case 'array':
      case 'row':
        return { ...expr, items: expr.items.map(go) }
      case 'other':
        return { ...expr, parts: expr.parts.map(go) }
      default:
        return expr
    }
  }

  /** A closed subquery for rows that a function returns. */
  close(expr: Extract<Expr, { kind: 'subquery' }>, scope: Scope): Expr {
    const closed = { ...expr }
    this.#closures.set(closed, scope)
    return closed
  }

  /** Whether the operator is, or may be, one that somebody made: = then need not be equality. A body's names depend on a path. */
  #isOwnOperator(expr: { readonly op: string; readonly schema?: string }, scope: Scope): boolean {
    const own = this.facts.catalog.ownOperators
    if (expr.schema !== undefined) return own.has(`${expr.schema}.${expr.op}`)
    return own.size > 0 && scope.inside.size > 0 && [...own].some((name) => name.endsWith(`.${expr.op}`))
  }

  #keyword(name: string, scope: Scope): Expr | undefined {
    if (name === 'current_user' || name === 'current_role' || name === 'user') return role(scope.currentUser)
    // SET ROLE leaves session_user the login.
    return name === 'session_user' ? role(this.appRole) : undefined
  }

  #subquery(expr: Extract<Expr, { kind: 'subquery' }>, scope: Scope): Expr {
    const already = this.#closures.get(expr)
    if (already !== undefined) return expr
    if (expr.left !== undefined && this.#isOwnOperator(expr, scope))
      return unread(expr.op, [this.resolve(expr.left, scope)])
    const only = expr.query.targets[0]
    const plain =
      expr.query.from.length === 0 &&
      expr.query.where === undefined &&
      expr.query.setOperation === undefined &&
      expr.query.values.length === 0 &&
      expr.query.targets.length === 1
    if (expr.type === 'scalar' && plain && only !== undefined) return this.resolve(only.expr, scope)
    const left = expr.left === undefined ? undefined : this.resolve(expr.left, scope)
    return this.close({ ...expr, left }, scope)
  }

  #call(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Expr {
    const args = expr.args.map((arg) => this.resolve(arg, scope))
    const kept = { ...expr, args }
    const roleTest = this.#roleTest(kept, scope)
    if (roleTest !== undefined) return roleTest
    const fn = calledFunction(this.facts, expr)
    if (fn === undefined || fn.schema === 'partywall') return kept
    if (scope.inside.has(fn.oid) || scope.inside.size > MAX_DEPTH) return kept
    const inlined = hasOwnContext(fn) ? undefined : inlineBody(fn, this.facts.sql.body(fn))
    if (inlined === undefined) {
      this.opaque.add(fn.label)
      return kept
    }
    const owner = this.facts.catalog.roles.get(fn.owner)?.name ?? ''
    const variables = new Map<string, Expr>()
    const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
    inputs.forEach((argument, at) => {
      const value = args[at]
      if (argument.name !== '' && value !== undefined) variables.set(argument.name, value)
    })
    const inner: Scope = {
      items: [],
      variables,
      parameters: args,
      viewer: fn.securityDefiner ? definerViewer(this.facts, fn.owner) : scope.viewer,
      currentUser: fn.securityDefiner ? owner : scope.currentUser,
      ctes: new Map(),
      outer: undefined,
      inside: new Set([...scope.inside, fn.oid]),
    }
    // Variables of the body that hold subqueries are still in the body's names.
    const withLocals: Scope = {
      ...inner,
      variables: new Map([...variables, ...resolveAll(inlined.variables, this, inner)]),
    }
    if (inlined.kind === 'value') return cast(this.resolve(inlined.expr, withLocals), fn.returnType)
    return this.close({ kind: 'subquery', type: 'scalar', op: '=', left: undefined, query: inlined.query }, withLocals)
  }

  /** pg_has_role(…) with names that are known is true or false for this role. */
  #roleTest(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Expr | undefined {
    if (expr.name !== 'pg_has_role' || (expr.schema !== undefined && expr.schema !== 'pg_catalog')) return undefined
    const texts = expr.args.map(textOf)
    const named = texts.length === 2 ? [scope.currentUser, ...texts] : texts
    const [who, target, mode] = named
    const roles = [...this.facts.catalog.roles.values()]
    const from = roles.find((candidate) => candidate.name === who)
    const to = roles.find((candidate) => candidate.name === target)
    if (from === undefined || to === undefined || mode === undefined) return undefined
    const value = mode.toLowerCase().startsWith('usage')
      ? this.facts.graph.rightsOf(from.oid).has(to.oid)
      : from.oid === to.oid || this.facts.graph.becomable(from.oid).some((path) => path.role.oid === to.oid)
    return { kind: 'constant', value: value || from.superuser }
  }
}

function resolveAll(variables: ReadonlyMap<string, Expr>, resolver: Resolver, scope: Scope): ReadonlyMap<string, Expr> {
  return new Map([...variables].map(([name, expr]) => [name, resolver.resolve(expr, scope)]))
}

/** A function with settings of its own reads those, not the session's. */
function hasOwnContext(fn: DatabaseFunction): boolean {
  return [...fn.config.keys()].some((name) => name.includes('.') || name === 'role')
}

function unread(op: string, parts: readonly Expr[]): Expr {
  return { kind: 'other', node: `operator ${op}`, parts }
}

function role(name: string): Expr {
  return { kind: 'constant', value: name }
}

function textOf(expr: Expr): string | undefined {
  if (expr.kind === 'cast') return textOf(expr.arg)
  return expr.kind === 'constant' && typeof expr.value === 'string' ? expr.value : undefined
}

/** A function's value has its return type; booleans are left bare, so that they are read as conditions. */
function cast(expr: Expr, type: string): Expr {
  return type === 'boolean' || type === 'text' || type === 'void' ? expr : { kind: 'cast', arg: expr, type }
}
