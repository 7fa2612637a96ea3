import type { DatabaseFunction } from '../catalog/model.ts'
import type { Expr } from '../sql/tree.ts'
import { childrenOf } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBareSelect } from './bare-select.ts'
import { BeyondProver } from './beyond.ts'
import { calledFunction } from './called-function.ts'
import { declaredAs } from './declared-type.ts'
import { isGenuineContext } from './genuine.ts'
import { inlineBody } from './inline.ts'
import { mayPlant, pathOf } from './names-meant.ts'
import { definerViewer, type Instances, resolveColumn, type Scope } from './scope.ts'
import { ticketExpression } from './ticket.ts'

const MAX_DEPTH = 12
/** Maximum number of function calls in one predicate. Helpers that each call two helpers double the number at every level. */
const MAX_CALLS = 4000
const MAX_STEPS = 400_000
/** Maximum size of the value of a function call. If each helper uses its argument twice, the value doubles with every level of calls. */
const MAX_SIZE = 20_000

/**
 * Gives every name in an expression its meaning. Columns become columns of an instance, arguments and variables become their values,
 * calls of functions that can be read become their body. Subqueries are kept as they are; `scopeOf` returns the scope of their names.
 */
export class Resolver {
  readonly facts: Facts
  readonly instances: Instances
  readonly #login: string | undefined
  readonly #sizes = new WeakMap<Expr, number>()
  #calls = 0
  #steps = 0
  #mayPlant: boolean | undefined
  readonly #closures = new WeakMap<Expr, Scope>()
  /** Functions that were called and whose body could not be used. */
  readonly opaque = new Set<string>()

  /** @param login name of session_user, if known. SET ROLE does not change session_user. */
  constructor(facts: Facts, instances: Instances, login: string | undefined) {
    this.facts = facts
    this.instances = instances
    this.#login = login
  }

  scopeOf(subquery: Expr): Scope | undefined {
    return this.#closures.get(subquery)
  }

  resolve(expr: Expr, scope: Scope): Expr {
    this.#steps += 1
    if (this.#steps > MAX_STEPS) throw new BeyondProver('the predicate is too large')
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
        if (this.mayMeanOwn('=')) return unread('is distinct from', [go(expr.left), go(expr.right)])
        return { ...expr, left: go(expr.left), right: go(expr.right) }
      case 'nullif':
        return { ...expr, left: go(expr.left), right: go(expr.right) }
      case 'case':
        if (expr.subject !== undefined && this.mayMeanOwn('='))
          return unread('case', [go(expr.subject), ...expr.whens.flatMap(({ when, then }) => [go(when), go(then)])])
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

  /** Remembers the scope of a subquery, so that `scopeOf` finds it. */
  close(expr: Extract<Expr, { kind: 'subquery' }>, scope: Scope): Expr {
    const closed = { ...expr }
    this.#closures.set(closed, scope)
    return closed
  }

  /**
   * Whether the operator was, or may have been, created in this database with CREATE OPERATOR. An operator `=` then need not mean equality.
   * In a function's body, search_path decides which operator is meant.
   */
  #isOwnOperator(expr: { readonly op: string; readonly schema?: string }, scope: Scope): boolean {
    if (expr.schema !== undefined) return this.facts.catalog.ownOperators.has(`${expr.schema}.${expr.op}`)
    return scope.path !== undefined && this.mayMeanOwn(expr.op)
  }

  /**
   * Whether some operator of this name was created in this database. IS DISTINCT FROM, CASE x WHEN and USING use `=` without naming its
   * schema.
   */
  mayMeanOwn(op: string): boolean {
    const own = this.facts.catalog.ownOperators
    return own.size > 0 && [...own].some((name) => name.endsWith(`.${op}`))
  }

  #keyword(name: string, scope: Scope): Expr | undefined {
    if (name === 'current_user' || name === 'current_role' || name === 'user') return role(scope.currentUser)
    if (name !== 'session_user' || scope.viewer === 'bypass') return undefined
    return this.#login === undefined ? undefined : role(this.#login)
  }

  #subquery(expr: Extract<Expr, { kind: 'subquery' }>, scope: Scope): Expr {
    const already = this.#closures.get(expr)
    if (already !== undefined) return expr
    if (expr.left !== undefined && this.#isOwnOperator(expr, scope))
      return unread(expr.op, [this.resolve(expr.left, scope)])
    const ticket = expr.type === 'scalar' ? ticketExpression(expr.query, this.facts) : undefined
    if (ticket !== undefined) return this.resolve(ticket, scope)
    const only = expr.query.targets[0]
    if (expr.type === 'scalar' && isBareSelect(expr.query) && only !== undefined) return this.resolve(only.expr, scope)
    const left = expr.left === undefined ? undefined : this.resolve(expr.left, scope)
    return this.close({ ...expr, left }, scope)
  }

  #call(expr: Extract<Expr, { kind: 'call' }>, scope: Scope): Expr {
    this.#calls += 1
    if (this.#calls > MAX_CALLS) throw new BeyondProver('the predicate calls too many functions')
    const args = expr.args.map((arg) => this.resolve(arg, scope))
    const kept = { ...expr, args }
    const roleTest = this.#roleTest(kept, scope)
    if (roleTest !== undefined) return roleTest
    const fn = calledFunction(this.facts, expr, scope.path)
    if (fn === undefined || isGenuineContext(fn, this.facts)) return kept
    if (scope.inside.has(fn.oid) || scope.inside.size > MAX_DEPTH) return kept
    const inlined = this.#isOpaque(fn) ? undefined : inlineBody(fn, this.facts.sql.body(fn), this.facts)
    const given = this.#given(fn, args)
    if (inlined === undefined || given === undefined) {
      this.opaque.add(fn.label)
      return kept
    }
    const owner = this.facts.catalog.roles.get(fn.owner)?.name ?? ''
    const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
    const variables = new Map<string, Expr>()
    // For PL/pgSQL evaluate-body.ts has replaced all variables already, and the arguments are $1, $2, ….
    if (fn.language === 'sql')
      inputs.forEach(({ name }, at) => {
        const value = given[at]
        if (name === '' || value === undefined) return
        variables.set(name, value)
        variables.set(`${fn.name}.${name}`, value)
      })
    const inner: Scope = {
      items: [],
      variables,
      parameters: given,
      viewer: fn.securityDefiner ? definerViewer(this.facts, fn.owner) : scope.viewer,
      currentUser: fn.securityDefiner ? owner : scope.currentUser,
      ctes: new Map(),
      outer: undefined,
      inside: new Set([...scope.inside, fn.oid]),
      path: pathOf(fn),
    }
    if (inlined.kind === 'rows')
      return this.close({ kind: 'subquery', type: 'scalar', op: '=', left: undefined, query: inlined.query }, inner)
    const value = cast(this.resolve(inlined.expr, inner), fn.returnType)
    if (this.#size(value) > MAX_SIZE) throw new BeyondProver('the predicate is too large')
    if (!fn.strict || given.every((arg) => arg.kind === 'constant' && arg.value !== null)) return value
    // STRICT: PostgreSQL returns NULL without calling the function if an argument is NULL.
    const there = given.map((arg): Expr => ({ kind: 'null-test', arg, negated: true }))
    return {
      kind: 'case',
      subject: undefined,
      whens: [{ when: { kind: 'and', args: there }, then: value }],
      otherwise: undefined,
    }
  }

  #size(expr: Expr): number {
    const known = this.#sizes.get(expr)
    if (known !== undefined) return known
    const size = childrenOf(expr).reduce((sum, part) => sum + this.#size(part), 1)
    this.#sizes.set(expr, size)
    return size
  }

  /** The arguments, cast to the function's argument types. Undefined if a type may change the value in a way that is not known. */
  #given(fn: DatabaseFunction, args: readonly Expr[]): readonly Expr[] | undefined {
    const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
    const given: Expr[] = []
    for (const [at, arg] of args.entries()) {
      const type = inputs[at]?.type ?? ''
      const as = declaredAs(this.facts, type)
      if (as === 'unknown') return undefined
      given.push(as === 'kept' ? arg : { kind: 'cast', arg, type })
    }
    return given
  }

  /**
   * Whether the prover must not use a function's body. This is so in three cases:
   * - the function sets a role or a custom setting for its own run (`CREATE FUNCTION … SET`);
   * - a role in reach (docs/glossary.md) can replace the function;
   * - the function has no fixed search_path, and a role of the application can create objects that the names in its body would then mean.
   */
  #isOpaque(fn: DatabaseFunction): boolean {
    if ([...fn.config.keys()].some((name) => name.includes('.') || name === 'role' || name === 'session_authorization'))
      return true
    const { acting, becomable, privileges } = this.facts
    const roles = [...acting.map(({ role }) => role.oid), ...becomable.map(({ role }) => role.oid)]
    if (roles.some((role) => privileges.owns(role, fn.owner))) return true
    this.#mayPlant ??= mayPlant(this.facts)
    return this.#mayPlant && pathOf(fn)?.schemas === undefined && fn.atomicBody === undefined
  }

  /** Replaces pg_has_role(…) with constant arguments by true or false for the acting role. */
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

/** Casts a function's value to its return type. A boolean gets no cast, so that the prover reads it as a condition. */
function cast(expr: Expr, type: string): Expr {
  return type === 'boolean' || type === 'text' || type === 'void' ? expr : { kind: 'cast', arg: expr, type }
}
