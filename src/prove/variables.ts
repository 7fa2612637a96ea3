import type { DatabaseFunction } from '../catalog/model.ts'
import { mapExpression } from '../sql/map-expression.ts'
import type { Body, Expr } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'
import { declaredAs } from './declared-type.ts'

const NULL: Expr = { kind: 'constant', value: null }
const ANYTHING: Expr = { kind: 'other', node: 'a variable', parts: [] }

/** The values of the variables and arguments of a PL/pgSQL body, as expressions of the call's arguments. */
export class Variables {
  readonly #fn: DatabaseFunction
  readonly #facts: Facts
  readonly #types: ReadonlyMap<string, string>
  readonly #held: Map<string, Expr>

  private constructor(fn: DatabaseFunction, facts: Facts, types: ReadonlyMap<string, string>, held: Map<string, Expr>) {
    this.#fn = fn
    this.#facts = facts
    this.#types = types
    this.#held = held
  }

  /** The variables at the start of a body. Undefined if it is not certain which variable a name means. */
  static of(fn: DatabaseFunction, body: Extract<Body, { kind: 'plpgsql' }>, facts: Facts): Variables | undefined {
    // With variable_conflict = use_column a column wins over a variable of its name. A nested DECLARE may hide a variable.
    if (/#\s*variable_conflict\s+use_column/i.test(fn.source)) return undefined
    if ((fn.source.match(/\bdeclare\b/gi) ?? []).length > 1) return undefined
    if (facts.catalog.storedSettings.some(({ name }) => name === 'plpgsql.variable_conflict')) return undefined
    const own = fn.arguments.map(({ name }) => name).filter((name) => name !== '')
    const declared = body.variables.filter(({ name }) => name !== 'found' && !name.startsWith('('))
    const names = declared.map(({ name }) => name)
    if (new Set(names).size !== names.length) return undefined
    const types = new Map([
      ...declared.map(({ name, type }) => [name, type] as const),
      ...fn.arguments.map(({ name, type }) => [name, type] as const),
    ])
    const held = new Map<string, Expr>()
    let input = 0
    fn.arguments.forEach(({ name, mode }, at) => {
      const isInput = mode !== 'out' && mode !== 'table'
      if (isInput) input += 1
      held.set(name === '' ? `$${at + 1}` : name, isInput ? { kind: 'parameter', number: input } : NULL)
    })
    const variables = new Variables(fn, facts, types, held)
    for (const variable of declared) {
      // The parser lists arguments among the variables. An argument's name with a default is a variable of DECLARE, which hides the argument.
      if (own.includes(variable.name)) {
        if (variable.default !== undefined) return undefined
        continue
      }
      if (variable.default === undefined) variables.assign(variable.name, NULL)
      else if (variable.default.ok) variables.assign(variable.name, variables.replacedIn(variable.default.value))
      else held.set(variable.name, ANYTHING)
    }
    return variables
  }

  copy(): Variables {
    return new Variables(this.#fn, this.#facts, this.#types, new Map(this.#held))
  }

  get(name: string): Expr | undefined {
    return this.#held.get(name)
  }

  /** Assigns a value, cast to the variable's type. */
  assign(name: string, value: Expr): void {
    this.forget(name)
    const type = this.#types.get(name)
    if (name.includes('.')) {
      // A field of a composite variable may change the value by its type. A field of a `record` keeps it.
      this.#held.set(name, this.#types.get(name.slice(0, name.indexOf('.'))) === 'record' ? value : ANYTHING)
      return
    }
    const as = type === undefined ? 'unknown' : declaredAs(this.#facts, type)
    if (as === 'kept') this.#held.set(name, value)
    else if (as === 'cast' && type !== undefined) this.#held.set(name, { kind: 'cast', arg: value, type })
  }

  /** Assigns a row to a variable. A `record` gets one field for each column. */
  fill(name: string, values: readonly { readonly name: string | undefined; readonly value: Expr }[]): void {
    this.forget(name)
    if (this.#types.get(name) === 'record') {
      for (const { name: field, value } of values) if (field !== undefined) this.#held.set(`${name}.${field}`, value)
      return
    }
    const [only, ...more] = values
    if (only !== undefined && more.length === 0) this.assign(name, only.value)
  }

  /** From now on the value of this variable is unknown. So are the values of its fields, and of the variable that it is a field of. */
  forget(name: string): void {
    const base = name.includes('.') ? name.slice(0, name.indexOf('.')) : name
    for (const known of [...this.#held.keys()])
      if (known === name || (name === base ? known.startsWith(`${base}.`) : known === base))
        this.#held.set(known, ANYTHING)
    this.#held.set(name, ANYTHING)
  }

  found(value: Expr): void {
    this.#held.set('found', value)
  }

  replacedIn(expr: Expr): Expr {
    return mapExpression(expr, (part) => this.replaced(part))
  }

  /** The value of a variable or argument. Undefined for other names, which stay unchanged. */
  replaced(part: Expr): Expr | undefined {
    if (part.kind === 'parameter') {
      const argument = this.#fn.arguments[part.number - 1]
      return argument === undefined
        ? ANYTHING
        : this.#held.get(argument.name === '' ? `$${part.number}` : argument.name)
    }
    if (part.kind !== 'column') return undefined
    if (part.table === undefined) return this.#held.get(part.name)
    return part.table === this.#fn.name ? this.#held.get(part.name) : this.#held.get(`${part.table}.${part.name}`)
  }
}
