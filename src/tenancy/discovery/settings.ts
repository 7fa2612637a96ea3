import type { Catalog } from '../../catalog/catalog.ts'
import type { DatabaseFunction } from '../../catalog/model.ts'
import { mapExpression } from '../../sql/map-expression.ts'
import type { SqlReader } from '../../sql/reader.ts'
import type { Expr } from '../../sql/tree.ts'
import { type Visitor, walkBody, walkExpression } from '../../sql/walk.ts'

/** A setting that SQL reads: its name, and the keys inside it when it holds JSON. */
export interface SettingUse {
  readonly setting: string
  readonly path: readonly string[]
  /** The value is a JSON array, and each of its elements is a tenant of the session. */
  readonly list?: true
}

/** Parts of a token that users can edit themselves at Supabase, Clerk or Auth0. */
const USER_WRITABLE = /user_meta_?data|^unsafe_?metadata$/i

/** Whether a claim can be edited by the user. Discovery assumes that such a claim names the tenant only if there is no other setting. */
export function isUserWritable(use: SettingUse): boolean {
  return use.path.some((key) => USER_WRITABLE.test(key))
}

/** Functions that SQL calls by name, with or without a schema. */
export type FunctionFinder = (schema: string | undefined, name: string) => readonly DatabaseFunction[]

export function functionFinder(catalog: Catalog): FunctionFinder {
  const byName = new Map<string, DatabaseFunction[]>()
  for (const fn of catalog.functions.values()) byName.set(fn.name, [...(byName.get(fn.name) ?? []), fn])
  return (schema, name) => (byName.get(name) ?? []).filter((fn) => schema === undefined || fn.schema === schema)
}

/** All settings that an expression reads, directly or through functions. */
export function settingsIn(expr: Expr, sql: SqlReader, functions: FunctionFinder): readonly SettingUse[] {
  const found = new Map<string, SettingUse>()
  collect(expr, sql, functions, new Set(), (use) => found.set(`${use.setting}/${use.path.join('.')}`, use))
  // The walk finds both `setting -> key` and the setting alone. Keep only the entry with the path.
  return [...found.values()].filter(
    (use) =>
      use.path.length > 0 ||
      ![...found.values()].some((other) => other.setting === use.setting && other.path.length > 0),
  )
}

/** All settings that a function's body reads. */
export function settingsOfFunction(
  fn: DatabaseFunction,
  sql: SqlReader,
  functions: FunctionFinder,
): readonly SettingUse[] {
  const found = new Map<string, SettingUse>()
  const visit = visitor(sql, functions, new Set([callKey(fn, [])]), (use) =>
    found.set(`${use.setting}/${use.path.join('.')}`, use),
  )
  walkBody(sql.body(fn), visit)
  return [...found.values()].filter(
    (use) =>
      use.path.length > 0 ||
      ![...found.values()].some((other) => other.setting === use.setting && other.path.length > 0),
  )
}

function collect(
  expr: Expr,
  sql: SqlReader,
  functions: FunctionFinder,
  seen: Set<string>,
  found: (use: SettingUse) => void,
) {
  walkExpression(expr, visitor(sql, functions, seen, found))
}

/** @param mean replaces the arguments of the visited function by their values, so that `claim('org')` reads the key `org` */
function visitor(
  sql: SqlReader,
  functions: FunctionFinder,
  seen: Set<string>,
  found: (use: SettingUse) => void,
  mean: (expr: Expr) => Expr = (expr) => expr,
): Visitor {
  return {
    expression: (part) => {
      const expr = mean(part)
      const use = settingRead(expr, sql, functions)
      if (use !== undefined) found(use)
      if (expr.kind !== 'call') return
      for (const fn of functions(expr.schema, expr.name)) {
        const key = callKey(fn, expr.args)
        if (seen.has(key) || seen.size > MAX_CALLS) continue
        seen.add(key)
        walkBody(
          sql.body(fn),
          visitor(sql, functions, seen, found, (inner) => withArguments(inner, fn, expr.args)),
        )
      }
    },
  }
}

/** Maximum number of calls that are followed. A recursive function could make new arguments without end. */
const MAX_CALLS = 500

function callKey(fn: DatabaseFunction, args: readonly Expr[]): string {
  return `${fn.oid} ${JSON.stringify(args.map(constantText))}`
}

/** Replaces the parameters in an expression of a function's body by the arguments of one call. */
function withArguments(expr: Expr, fn: DatabaseFunction, args: readonly Expr[]): Expr {
  if (args.length === 0) return expr
  const inputs = fn.arguments.filter((argument) => argument.mode !== 'out' && argument.mode !== 'table')
  return mapExpression(expr, (part) => {
    if (part.kind === 'parameter') return args[part.number - 1]
    if (part.kind !== 'column' || (part.table !== undefined && part.table !== fn.name)) return undefined
    return args[inputs.findIndex((argument) => argument.name === part.name)]
  })
}

/** The setting in `current_setting('a.b', true)`, `…::json ->> 'k'`, `… #>> '{a,b}'` or `jsonb_extract_path_text(…, 'k')`. */
function settingRead(expr: Expr, sql: SqlReader, functions: FunctionFinder): SettingUse | undefined {
  if (expr.kind === 'call' && expr.name === 'current_setting' && isBuiltIn(expr)) {
    const name = expr.args[0] === undefined ? undefined : constantText(expr.args[0])
    return name === undefined ? undefined : { setting: name.toLowerCase(), path: [] }
  }
  if (expr.kind === 'operator' && (expr.op === '->>' || expr.op === '->') && expr.left !== undefined) {
    const key = constantText(expr.right)
    const inner = innerSetting(expr.left, sql, functions)
    return key === undefined || inner === undefined ? undefined : { setting: inner.setting, path: [...inner.path, key] }
  }
  if (expr.kind === 'operator' && expr.op === '#>>' && expr.left !== undefined) {
    const keys = constantText(expr.right)
    const inner = innerSetting(expr.left, sql, functions)
    if (keys === undefined || inner === undefined) return undefined
    return { setting: inner.setting, path: [...inner.path, ...keys.replace(/^\{|\}$/g, '').split(',')] }
  }
  if (
    expr.kind === 'call' &&
    isBuiltIn(expr) &&
    /^jsonb?_extract_path_text$/.test(expr.name) &&
    expr.args[0] !== undefined
  ) {
    const inner = innerSetting(expr.args[0], sql, functions)
    const keys = expr.args.slice(1).map(constantText)
    if (inner === undefined || keys.some((key) => key === undefined)) return undefined
    return { setting: inner.setting, path: [...inner.path, ...keys.flatMap((key) => (key === undefined ? [] : [key]))] }
  }
  return undefined
}

/**
 * The setting of `jsonb_array_elements_text(setting -> 'org_ids')`, which may be the whole expression, or be in a subquery, in FROM or in
 * ARRAY(…).
 */
export function listSetting(expr: Expr, sql: SqlReader, functions: FunctionFinder): SettingUse | undefined {
  if (expr.kind === 'cast' || expr.kind === 'collate') return listSetting(expr.arg, sql, functions)
  if (expr.kind === 'call' && /^jsonb?_array_elements(_text)?$/.test(expr.name) && expr.args[0] !== undefined) {
    const use = innerSetting(expr.args[0], sql, functions)
    return use === undefined ? undefined : { ...use, list: true }
  }
  if (expr.kind !== 'subquery' || expr.query.where !== undefined) return undefined
  const [item, ...others] = expr.query.from
  if (others.length > 0) return undefined
  const source = item === undefined ? expr.query.targets[0]?.expr : item.kind === 'function' ? item.calls[0] : undefined
  return source === undefined ? undefined : listSetting(source, sql, functions)
}

function isBuiltIn(call: Extract<Expr, { kind: 'call' }>): boolean {
  return call.schema === undefined || call.schema === 'pg_catalog'
}

/** The setting inside an expression of casts, NULLIF, COALESCE, scalar subqueries and SQL functions with one expression. */
export function innerSetting(expr: Expr, sql: SqlReader, functions: FunctionFinder): SettingUse | undefined {
  const direct = settingRead(expr, sql, functions)
  if (direct !== undefined) return direct
  switch (expr.kind) {
    case 'cast':
    case 'collate':
      return innerSetting(expr.arg, sql, functions)
    case 'nullif':
      return innerSetting(expr.left, sql, functions)
    case 'coalesce':
      for (const arg of expr.args) {
        const use = innerSetting(arg, sql, functions)
        if (use !== undefined) return use
      }
      return undefined
    case 'case': {
      // All results of the CASE must be NULL or the same setting: CASE WHEN banned THEN NULL ELSE setting END.
      const results = [...expr.whens.map(({ then }) => then), ...(expr.otherwise === undefined ? [] : [expr.otherwise])]
      const values = results.filter((result) => !(result.kind === 'constant' && result.value === null))
      const uses = values.map((value) => innerSetting(value, sql, functions))
      const first = uses[0]
      return uses.every((use) => JSON.stringify(use) === JSON.stringify(first)) ? first : undefined
    }
    case 'subquery': {
      const only = expr.query.targets[0]
      if (expr.type !== 'scalar' || expr.query.from.length > 0 || only === undefined) return undefined
      return innerSetting(only.expr, sql, functions)
    }
    case 'call': {
      if (['btrim', 'trim', 'lower', 'upper', 'rtrim', 'ltrim'].includes(expr.name) && expr.args[0] !== undefined)
        return innerSetting(expr.args[0], sql, functions)
      const candidates = functions(expr.schema, expr.name)
      const fn = candidates[0]
      if (fn === undefined || candidates.length > 1 || readsTables(fn, sql)) return undefined
      // A body of one expression: read that expression.
      const body = sql.body(fn)
      const only = body.kind === 'sql' && body.statements.length === 1 ? body.statements[0]?.targets[0] : undefined
      if (only !== undefined) return innerSetting(withArguments(only.expr, fn, expr.args), sql, functions)
      const uses = settingsIn(expr, sql, functions)
      return uses.length === 1 ? uses[0] : undefined
    }
    default:
      return undefined
  }
}

export function constantText(expr: Expr): string | undefined {
  if (expr.kind === 'cast') return constantText(expr.arg)
  return expr.kind === 'constant' && typeof expr.value === 'string' ? expr.value : undefined
}

/** True when a body reads tables. A setting in it is then a key of a lookup, and not the function's value. */
function readsTables(fn: DatabaseFunction, sql: SqlReader): boolean {
  const body = sql.body(fn)
  let reads = body.kind === 'unreadable'
  walkBody(body, {
    table: () => {
      reads = true
    },
    statement: (statement) => {
      reads ||= statement.kind === 'dynamic'
    },
  })
  return reads
}
