/**
 * A tree of SQL for verify and the prover. It is smaller than PostgreSQL's parse tree. Policies, views and function bodies all use it. A
 * construct without a kind of its own becomes `other` with its parts, so that nothing is lost and nothing is guessed.
 */
export type Expr =
  | { readonly kind: 'column'; readonly table: string | undefined; readonly name: string }
  | { readonly kind: 'parameter'; readonly number: number }
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | {
      readonly kind: 'call'
      readonly schema: string | undefined
      readonly name: string
      readonly args: readonly Expr[]
    }
  | { readonly kind: 'cast'; readonly arg: Expr; readonly type: string }
  /**
   * `left` is absent for prefix operators. LIKE is `~~`, ILIKE `~~*`, SIMILAR TO `similar`. `schema` is set if the text says
   * `OPERATOR(schema.op)` with another schema than pg_catalog. Such an operator may mean anything.
   */
  | {
      readonly kind: 'operator'
      readonly op: string
      readonly schema?: string
      readonly left: Expr | undefined
      readonly right: Expr
    }
  /** `left op ANY (array)`; IN (…) is `= any` of an `array`, NOT IN `<> all`. */
  | {
      readonly kind: 'any' | 'all'
      readonly op: string
      readonly schema?: string
      readonly left: Expr
      readonly array: Expr
    }
  | { readonly kind: 'and' | 'or'; readonly args: readonly Expr[] }
  | { readonly kind: 'not'; readonly arg: Expr }
  | { readonly kind: 'null-test'; readonly arg: Expr; readonly negated: boolean }
  | { readonly kind: 'boolean-test'; readonly arg: Expr; readonly test: string }
  /** IS DISTINCT FROM; `negated` is IS NOT DISTINCT FROM. */
  | { readonly kind: 'distinct'; readonly left: Expr; readonly right: Expr; readonly negated: boolean }
  | { readonly kind: 'nullif'; readonly left: Expr; readonly right: Expr }
  | { readonly kind: 'coalesce'; readonly args: readonly Expr[] }
  | {
      readonly kind: 'case'
      readonly subject: Expr | undefined
      readonly whens: readonly { readonly when: Expr; readonly then: Expr }[]
      readonly otherwise: Expr | undefined
    }
  | {
      readonly kind: 'subquery'
      readonly type: 'exists' | 'scalar' | 'any' | 'all' | 'array'
      readonly op: string
      readonly schema?: string
      readonly left: Expr | undefined
      readonly query: Query
    }
  | { readonly kind: 'array' | 'row'; readonly items: readonly Expr[] }
  /** current_user, session_user, current_date, … */
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'collate'; readonly arg: Expr; readonly collation: string }
  | { readonly kind: 'other'; readonly node: string; readonly parts: readonly Expr[] }

export type FromItem =
  | {
      readonly kind: 'table'
      readonly schema: string | undefined
      readonly name: string
      readonly alias: string | undefined
      /** `AS alias (columns)`: new names of the first columns. */
      readonly columns?: readonly string[]
    }
  | {
      readonly kind: 'subquery'
      readonly alias: string | undefined
      readonly columns?: readonly string[]
      readonly query: Query
      /** True for LATERAL: the item may refer to earlier items of FROM. */
      readonly lateral?: true
    }
  | {
      readonly kind: 'function'
      readonly alias: string | undefined
      readonly columns?: readonly string[]
      readonly calls: readonly Expr[]
      /** True if the columns are not those of a single function: ROWS FROM, WITH ORDINALITY, or a list of column definitions. */
      readonly reshaped?: true
    }
  | {
      readonly kind: 'join'
      readonly type: 'inner' | 'left' | 'right' | 'full' | 'other'
      readonly left: FromItem
      readonly right: FromItem
      readonly on: Expr | undefined
      readonly using: readonly string[]
    }
  | { readonly kind: 'other'; readonly node: string }

export interface Target {
  readonly name: string | undefined
  readonly expr: Expr
}

/** One query of a WITH list. */
export interface Cte {
  readonly name: string
  readonly columns?: readonly string[]
  readonly query: Query
}

/** One statement. DML has a `target`. A set operation has only `left` and `right`. */
export interface Query {
  readonly kind: 'select' | 'insert' | 'update' | 'delete' | 'merge' | 'other'
  readonly with: readonly Cte[]
  /** WITH RECURSIVE. */
  readonly recursive: boolean
  readonly target: Extract<FromItem, { kind: 'table' }> | undefined
  readonly from: readonly FromItem[]
  readonly where: Expr | undefined
  /** SELECT list. */
  readonly targets: readonly Target[]
  /** RETURNING list. */
  readonly returning: readonly Target[]
  /** SET list of UPDATE, or column list of INSERT. */
  readonly assignments: readonly Target[]
  /** Rows of VALUES. */
  readonly values: readonly (readonly Expr[])[]
  /** SELECT that feeds an INSERT. */
  readonly source: Query | undefined
  readonly setOperation:
    | { readonly op: 'union' | 'intersect' | 'except'; readonly left: Query; readonly right: Query }
    | undefined
  readonly onConflict:
    | { readonly columns: readonly string[]; readonly constraint: string | undefined; readonly update: boolean }
    | undefined
  readonly groups: boolean
  /** HAVING without GROUP BY, or grouping sets: the result may have a row although no row was read. */
  readonly groupsNothing: boolean
  readonly distinct: boolean
  readonly limited: boolean
  /** Other expressions that the statement reads: WHEN clauses of MERGE, HAVING, ORDER BY, DISTINCT ON, windows. */
  readonly others: readonly Expr[]
  /** Node name of a statement that is not a query, such as `VariableSetStmt` for SET. */
  readonly node: string
  /** The text of the statement. Undefined if the query is a part of a statement. */
  readonly text: string | undefined
}

/** One statement of a PL/pgSQL body; blocks nest. */
export type PlStatement =
  | { readonly kind: 'block'; readonly body: readonly PlStatement[]; readonly handlers: readonly PlHandler[] }
  | {
      readonly kind: 'if'
      readonly branches: readonly { readonly condition: Parsed<Expr>; readonly body: readonly PlStatement[] }[]
      readonly otherwise: readonly PlStatement[]
    }
  | { readonly kind: 'sql'; readonly query: Parsed<Query>; readonly into: readonly string[]; readonly strict: boolean }
  | { readonly kind: 'return-query'; readonly query: Parsed<Query> }
  /** EXECUTE, RETURN QUERY EXECUTE, FOR … IN EXECUTE, OPEN … FOR EXECUTE. */
  | {
      readonly kind: 'dynamic'
      readonly text: Parsed<Expr>
      readonly using: readonly Parsed<Expr>[]
      readonly body: readonly PlStatement[]
    }
  | { readonly kind: 'return'; readonly value: Parsed<Expr> | undefined; readonly variable: string | undefined }
  /** RETURN NEXT: adds one row to the result of the function. */
  | { readonly kind: 'return-next'; readonly value: Parsed<Expr> | undefined; readonly variable: string | undefined }
  /** `part`: only an element or field of the target is assigned; the rest keeps its value. */
  | { readonly kind: 'assign'; readonly target: string; readonly part?: true; readonly value: Parsed<Expr> }
  | {
      readonly kind: 'raise'
      readonly level: 'exception' | 'notice'
      readonly message: string
      readonly args: readonly Parsed<Expr>[]
    }
  | {
      readonly kind: 'loop'
      readonly query: Parsed<Query> | undefined
      readonly conditions: readonly Parsed<Expr>[]
      readonly body: readonly PlStatement[]
    }
  | {
      readonly kind: 'other'
      readonly node: string
      readonly expressions: readonly Parsed<Expr>[]
      readonly body: readonly PlStatement[]
    }

export interface PlHandler {
  readonly conditions: readonly string[]
  readonly body: readonly PlStatement[]
}

export interface PlVariable {
  readonly name: string
  readonly type: string
  readonly default: Parsed<Expr> | undefined
}

/** The body of a function, as far as it can be read. */
export type Body =
  | { readonly kind: 'sql'; readonly statements: readonly Query[] }
  | { readonly kind: 'plpgsql'; readonly variables: readonly PlVariable[]; readonly statements: readonly PlStatement[] }
  | { readonly kind: 'unreadable'; readonly reason: string }

/** A parsed tree, or the reason why the text could not be parsed. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T; readonly text: string }
  | { readonly ok: false; readonly reason: string; readonly text: string }
