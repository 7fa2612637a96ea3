import type { Catalog } from '../../catalog/catalog.ts'
import type { Column, Oid, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteLiteral } from '../../catalog/names.ts'
import type { SqlReader } from '../sql/reader.ts'
import type { Expr, FromItem, Query } from '../sql/tree.ts'
import { type Visitor, walkBody, walkExpression, walkQuery } from '../sql/walk.ts'
import {
  constantText,
  type FunctionFinder,
  functionFinder,
  innerSetting,
  listSetting,
  type SettingUse,
  settingsIn,
} from './settings.ts'
import { isTable } from './tenant-root.ts'

/** A policy compares this column with what a setting gives. */
export interface ColumnVote {
  readonly relation: Relation
  readonly column: string
  readonly use: SettingUse
  /** `indirect`: through a lookup, or as an argument of a helper. */
  readonly via: 'direct' | 'indirect'
  /** Of the policy; 0 is PUBLIC. Empty for what views and definer code say. */
  readonly roles: readonly Oid[]
  /** The call that the policy reads the session by, where it is one: `auth.uid()`. */
  readonly call: SessionCall | undefined
}

/** How policies ask who the session is, kept for the fixes: a setting that was read out of the call may not be set by anybody. */
export interface SessionCall {
  readonly sql: string
  readonly type: string
}

/** A lookup compares this column with a setting: the setting is a key into this table. */
export interface KeyVote {
  readonly table: Relation
  readonly column: Column
  readonly use: SettingUse
  readonly roles: readonly Oid[]
  readonly call: SessionCall | undefined
}

export interface Evidence {
  readonly columns: readonly ColumnVote[]
  readonly keys: readonly KeyVote[]
  /** Settings that one COALESCE chooses among. */
  readonly coalesced: readonly (readonly SettingUse[])[]
}

/** What policies and their helper functions say about tenant columns and settings. */
export function gatherEvidence(catalog: Catalog, relations: readonly Relation[], sql: SqlReader): Evidence {
  const functions = functionFinder(catalog)
  const columns: ColumnVote[] = []
  const keys: KeyVote[] = []
  const coalesced: (readonly SettingUse[])[] = []
  const nobody: readonly Oid[] = []
  const context = { catalog, sql, functions, columns, keys, coalesced, seen: new Set<Oid>(), roles: nobody }
  for (const relation of relations) {
    for (const policy of relation.policies) {
      context.seen = new Set()
      context.roles = policy.roles
      for (const text of [policy.using, policy.check]) {
        const parsed = text === undefined ? undefined : sql.expression(text)
        if (parsed?.ok === true) visitPolicy(relation, parsed.value, context)
      }
    }
  }
  // Where no policy says anything the database is reached through views and definer code: their filters say it.
  if (columns.length === 0 && keys.length === 0) {
    for (const relation of relations) {
      const parsed = relation.kind === 'view' ? sql.view(relation) : undefined
      if (parsed?.ok === true) walkQuery(parsed.value, filterVotes(context))
    }
    for (const fn of catalog.functions.values())
      if (fn.securityDefiner && fn.extension === undefined && fn.schema !== 'partywall')
        walkBody(sql.body(fn), filterVotes(context))
  }
  const preferred = (use: SettingUse) => preferredOf(use, coalesced)
  return {
    columns: columns.map((vote) => ({ ...vote, use: preferred(vote.use) })),
    keys: keys.map((vote) => ({ ...vote, use: preferred(vote.use) })),
    coalesced,
  }
}

/**
 * Of settings that one COALESCE chooses among, the one that is set today: PostgREST and what is built on it set
 * `request.jwt.claims`, and no longer one setting for each claim.
 */
function preferredOf(use: SettingUse, coalesced: Evidence['coalesced']): SettingUse {
  const same = (other: SettingUse) => other.setting === use.setting && other.path.join() === use.path.join()
  const others = coalesced.filter((group) => group.some(same)).flat()
  return others.find((other) => other.setting === 'request.jwt.claims' && other.path.length > 0) ?? use
}

/** `table.column = setting` in a query of a view or of definer code. */
function filterVotes({ catalog, sql, functions, columns, roles }: Gathering): Visitor {
  return {
    query: (query) => {
      const tables = [...query.from.flatMap(tablesOf), ...(query.target === undefined ? [] : [query.target])]
      for (const condition of [query.where, ...query.from.flatMap(joinConditions)]) {
        if (condition === undefined) continue
        walkExpression(condition, {
          expression: (part) => {
            for (const [left, right] of equalSides(part)) {
              const found = left.kind === 'column' ? columnAmong(left, tables, catalog) : undefined
              const use = found === undefined ? undefined : innerSetting(right, sql, functions)
              if (found !== undefined && use !== undefined && isTable(found.table))
                columns.push({
                  relation: found.table,
                  column: found.column.name,
                  use,
                  via: 'direct',
                  roles,
                  call: undefined,
                })
            }
          },
        })
      }
    },
  }
}

interface Gathering {
  readonly catalog: Catalog
  readonly sql: SqlReader
  readonly functions: FunctionFinder
  readonly columns: ColumnVote[]
  readonly keys: KeyVote[]
  readonly coalesced: (readonly SettingUse[])[]
  /** Helpers of the policy that is read, and its roles. */
  readonly seen: Set<Oid>
  readonly roles: readonly Oid[]
}

function visitPolicy(relation: Relation, expr: Expr, gathering: Gathering): void {
  const { sql, functions, roles, catalog } = gathering
  const vote = (column: string, use: SettingUse, via: ColumnVote['via'], call?: SessionCall) =>
    gathering.columns.push({ relation, column, use, via, roles, call })
  const link = (found: { readonly table: Relation; readonly column: Column } | undefined, use: SettingUse) => {
    if (found !== undefined)
      gathering.columns.push({
        relation: found.table,
        column: found.column.name,
        use,
        via: 'indirect',
        roles,
        call: undefined,
      })
  }
  walkExpression(expr, {
    ...lookups(gathering),
    expression: (part) => {
      lookups(gathering).expression?.(part)
      for (const [left, right] of equalSides(part)) {
        const column = ownColumn(left, relation)
        if (column === undefined) continue
        const direct = listSetting(right, sql, functions) ?? innerSetting(right, sql, functions)
        if (direct !== undefined) vote(column, direct, 'direct', sessionCall(right, functions))
        else
          for (const use of settingsIn(right, sql, functions)) {
            vote(column, use, 'indirect')
            // column IN (SELECT m.tenant FROM m WHERE m.person = setting): that column of m names the same thing.
            for (const target of targetsOf(right)) link(columnAmong(target, tablesOfQuery(right), catalog), use)
          }
      }
      // Claims that list tenants: claims -> 'orgs' ? org_id::text, claims -> 'orgs' @> to_jsonb(org_id::text)
      if (part.kind === 'operator' && (part.op === '?' || part.op === '@>') && part.left !== undefined) {
        const column = ownColumn(argumentOf(part.right), relation)
        const use = innerSetting(part.left, sql, functions)
        if (column !== undefined && use !== undefined && use.path.length > 0)
          vote(column, { ...use, list: true }, 'direct')
      }
      if (part.kind === 'call' && functions(part.schema, part.name).length > 0) {
        const names = part.args.flatMap((arg) => ownColumn(arg, relation) ?? [])
        if (names.length > 0)
          for (const use of settingsIn(part, sql, functions)) for (const column of names) vote(column, use, 'indirect')
      }
      if (part.kind === 'subquery' && part.query.where !== undefined) {
        const uses = settingsIn(part, sql, functions)
        walkExpression(part.query.where, {
          expression: (inner) => {
            for (const [left, right] of equalSides(inner)) {
              if (left.kind !== 'column' || left.table !== relation.name) continue
              const other = bare(right)
              for (const use of uses) {
                vote(left.name, use, 'indirect')
                if (other.kind === 'column') link(columnAmong(other, part.query.from.flatMap(tablesOf), catalog), use)
              }
            }
          },
        })
      }
    },
  })
}

/** Finds `table.column = setting` inside lookups, in policies and in the functions they call. */
function lookups(gathering: Gathering): Visitor {
  const { catalog, sql, functions, seen, roles } = gathering
  const visit: Visitor = {
    query: (query) => {
      const tables = query.from.flatMap(tablesOf)
      const conditions = [query.where, ...query.from.flatMap(joinConditions)]
      for (const condition of conditions) {
        if (condition === undefined) continue
        walkExpression(condition, {
          expression: (part) => {
            for (const [left, right] of equalSides(part)) {
              if (left.kind !== 'column') continue
              const use = innerSetting(right, sql, functions)
              const found = use === undefined ? undefined : columnAmong(left, tables, catalog)
              if (use !== undefined && found !== undefined)
                gathering.keys.push({ ...found, use, roles, call: sessionCall(right, functions) })
            }
          },
        })
      }
    },
    expression: (part) => {
      // setting IN (SELECT m.person FROM m …): the same lookup, the other way round.
      if (part.kind === 'subquery' && part.type === 'any' && part.op === '=' && part.left !== undefined) {
        const use = innerSetting(part.left, sql, functions)
        for (const target of use === undefined ? [] : targetsOf(part)) {
          const found = columnAmong(target, part.query.from.flatMap(tablesOf), catalog)
          if (found !== undefined && use !== undefined)
            gathering.keys.push({ ...found, use, roles, call: sessionCall(part.left, functions) })
        }
      }
      if (part.kind === 'coalesce') {
        const uses = part.args.flatMap((arg) => innerSetting(arg, sql, functions) ?? [])
        if (uses.length > 1) gathering.coalesced.push(uses)
      }
      if (part.kind !== 'call') return
      for (const fn of functions(part.schema, part.name)) {
        if (seen.has(fn.oid)) continue
        seen.add(fn.oid)
        walkBody(sql.body(fn), visit)
      }
    },
  }
  return visit
}

/** Both orders of an equality (also IN, = ANY and IS NOT DISTINCT FROM). */
export function equalSides(expr: Expr): readonly (readonly [Expr, Expr])[] {
  if (expr.kind === 'operator' && expr.op === '=' && expr.left !== undefined)
    return [
      [bare(expr.left), expr.right],
      [bare(expr.right), expr.left],
    ]
  if (expr.kind === 'any' && expr.op === '=') return [[bare(expr.left), expr.array]]
  if (expr.kind === 'distinct' && expr.negated)
    return [
      [bare(expr.left), expr.right],
      [bare(expr.right), expr.left],
    ]
  if (expr.kind === 'subquery' && expr.type === 'any' && expr.op === '=' && expr.left !== undefined)
    return [[bare(expr.left), { ...expr, type: 'scalar' }]]
  return []
}

/** `auth.uid()`, `(select auth.uid())`, `auth.uid()::text`: a call of the user's own without arguments but constants. */
function sessionCall(expr: Expr, functions: FunctionFinder): SessionCall | undefined {
  if (expr.kind === 'cast' || expr.kind === 'collate') return sessionCall(expr.arg, functions)
  if (expr.kind === 'subquery') {
    const only = expr.query.targets[0]
    return expr.type === 'scalar' && expr.query.from.length === 0 && only !== undefined
      ? sessionCall(only.expr, functions)
      : undefined
  }
  if (expr.kind !== 'call') return undefined
  const [fn, ...others] = functions(expr.schema, expr.name)
  const values = expr.args.flatMap((arg) => constantText(arg) ?? [])
  if (fn === undefined || others.length > 0 || values.length < expr.args.length || fn.returnsSet) return undefined
  return { sql: `${qualifiedName(fn)}(${values.map(quoteLiteral).join(', ')})`, type: fn.returnType }
}

function targetsOf(expr: Expr): readonly Extract<Expr, { kind: 'column' }>[] {
  const inner = bare(expr)
  if (inner.kind !== 'subquery') return []
  return inner.query.targets.flatMap(({ expr: target }) => (target.kind === 'column' ? [target] : []))
}

function tablesOfQuery(expr: Expr): readonly TableItem[] {
  const inner = bare(expr)
  return inner.kind === 'subquery' ? inner.query.from.flatMap(tablesOf) : []
}

function bare(expr: Expr): Expr {
  return expr.kind === 'cast' || expr.kind === 'collate' ? bare(expr.arg) : expr
}

/** The one argument of to_jsonb() and its like. */
function argumentOf(expr: Expr): Expr {
  const inner = bare(expr)
  const [only, ...others] = inner.kind === 'call' ? inner.args : []
  return only === undefined || others.length > 0 ? inner : argumentOf(only)
}

function ownColumn(expr: Expr, relation: Relation): string | undefined {
  const inner = bare(expr)
  if (inner.kind !== 'column' || (inner.table !== undefined && inner.table !== relation.name)) return undefined
  return relation.columns.some((column) => column.name === inner.name) ? inner.name : undefined
}

type TableItem = Extract<FromItem, { kind: 'table' }>

export function tablesOf(item: FromItem): readonly TableItem[] {
  if (item.kind === 'table') return [item]
  return item.kind === 'join' ? [...tablesOf(item.left), ...tablesOf(item.right)] : []
}

export function joinConditions(item: FromItem): readonly Expr[] {
  if (item.kind !== 'join') return []
  return [...(item.on === undefined ? [] : [item.on]), ...joinConditions(item.left), ...joinConditions(item.right)]
}

function columnAmong(expr: Extract<Expr, { kind: 'column' }>, tables: Query['from'], catalog: Catalog) {
  for (const item of tables) {
    if (item.kind !== 'table') continue
    if (expr.table !== undefined && expr.table !== (item.alias ?? item.name)) continue
    for (const table of catalog.relations.values()) {
      if (table.name !== item.name || (item.schema !== undefined && table.schema !== item.schema)) continue
      const column = table.columns.find((candidate) => candidate.name === expr.name)
      if (column !== undefined) return { table, column }
    }
  }
  return undefined
}
