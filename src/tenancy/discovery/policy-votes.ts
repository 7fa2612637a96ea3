import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteLiteral } from '../../catalog/names.ts'
import type { Expr } from '../../sql/tree.ts'
import { type Visitor, walkBody, walkExpression } from '../../sql/walk.ts'
import {
  argumentOf,
  bare,
  columnAmong,
  equalSides,
  joinConditions,
  ownColumn,
  tablesOf,
  tablesOfQuery,
  targetsOf,
} from './compared.ts'
import {
  constantText,
  type FunctionFinder,
  innerSetting,
  listSetting,
  type SettingUse,
  settingsIn,
} from './settings.ts'
import type { ColumnVote, Gathering, SessionCall } from './votes.ts'

/** Collects the votes of one policy: columns that it compares with settings, and lookups by settings. */
export function visitPolicy(relation: Relation, expr: Expr, gathering: Gathering): void {
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
            // column IN (SELECT m.tenant FROM m WHERE m.person = setting): m.tenant names the same thing as the column.
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
      // setting IN (SELECT m.person FROM m …): a lookup with the setting on the left side.
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

/** `auth.uid()`, `(select auth.uid())`, `auth.uid()::text`: a call of a user's function whose arguments are constants. */
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
