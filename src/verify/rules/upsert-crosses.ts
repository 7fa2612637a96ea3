import type { DatabaseFunction } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Query } from '../../sql/tree.ts'
import { walkBody } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { invokerSql } from '../../tenancy/invoker-sql.ts'
import type { Rule } from '../finding/rule.ts'
import { ownerEscapes } from '../readings/definer-owner.ts'

export const upsertCrosses: Rule = {
  id: 'upsert-crosses',
  group: 'key',
  title: "An upsert in a SECURITY DEFINER function overwrites another tenant's row",
  severity: 'high',
  meaning:
    'ON CONFLICT on a key without the tenant, run by an owner to whom no policy applies, updates the row of any tenant that has the value.',
  remedy: 'Use a conflict target that starts with the tenant, and a unique key to match.',
  *run(facts) {
    for (const fn of facts.functions) {
      if (!fn.securityDefiner || (!fn.returnsTrigger && facts.executors(fn).length === 0)) continue
      for (const query of upsertsIn(facts, fn)) {
        const target = query.target
        const relation = target === undefined ? undefined : facts.relationNamed(target.schema, target.name)
        const table = relation === undefined ? undefined : facts.tenantTable(relation)
        if (relation === undefined || table?.column === undefined || table.kind !== 'tenant') continue
        if (!ownerEscapes(facts, fn, relation, 'update')) continue
        const constraint = relation.constraints.find((candidate) => candidate.name === query.onConflict?.constraint)
        const columns =
          constraint === undefined
            ? (query.onConflict?.columns ?? [])
            : constraint.columns.flatMap((number) => facts.columnNumbered(relation, number)?.name ?? [])
        if (columns.length === 0 || columns.includes(table.column.name)) continue
        yield {
          object: fn.label,
          detail: relation.label,
          message: `${fn.label} runs as ${facts.roleName(fn.owner)} and upserts into ${relation.label} ON CONFLICT (${columns.join(', ')}): a value of another tenant overwrites that tenant's row.`,
          evidence: [`conflict target without ${table.column.name}`],
          verbs: ['update'],
          tables: [relation.label],
          fix: `-- Put ${quoteIdentifier(table.column.name)} into the conflict target and its unique key, or:\n${invokerSql(facts, fn)}`,
        }
      }
    }
  },
}

function upsertsIn(facts: Facts, fn: DatabaseFunction): readonly Query[] {
  const found: Query[] = []
  walkBody(facts.sql.body(fn), {
    query: (query) => {
      if (query.kind === 'insert' && query.onConflict?.update === true) found.push(query)
    },
  })
  return found
}
