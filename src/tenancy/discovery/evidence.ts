import type { Catalog } from '../../catalog/catalog.ts'
import type { Oid, Relation } from '../../catalog/model.ts'
import type { SqlReader } from '../../sql/reader.ts'
import { type Visitor, walkBody, walkExpression, walkQuery } from '../../sql/walk.ts'
import { columnAmong, equalSides, joinConditions, tablesOf } from './compared.ts'
import { visitPolicy } from './policy-votes.ts'
import { functionFinder, innerSetting, type SettingUse } from './settings.ts'
import { isTable } from './tenant-root.ts'
import type { ColumnVote, Evidence, Gathering, KeyVote } from './votes.ts'

/** The evidence of policies and their helper functions about tenant columns and settings. */
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
  // If policies give no evidence, views and SECURITY DEFINER functions may restrict rows: read their filters.
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
 * Chooses, among the settings of one COALESCE, the setting that is still in use. PostgREST sets `request.jwt.claims`, and no longer a
 * separate setting for each claim.
 */
function preferredOf(use: SettingUse, coalesced: Evidence['coalesced']): SettingUse {
  const same = (other: SettingUse) => other.setting === use.setting && other.path.join() === use.path.join()
  const others = coalesced.filter((group) => group.some(same)).flat()
  return others.find((other) => other.setting === 'request.jwt.claims' && other.path.length > 0) ?? use
}

/** Collects `table.column = setting` from the queries of views and SECURITY DEFINER functions. */
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
