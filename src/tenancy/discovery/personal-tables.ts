import type { Oid, Relation } from '../../catalog/model.ts'
import type { Tenancy, TenantTable } from '../facts.ts'
import { bindingsOf, commonest, describeSetting, same } from './choose-context.ts'
import { isTable } from './tenant-root.ts'
import type { Evidence } from './votes.ts'

/**
 * Tables that belong to a person and not to a tenant: a policy compares one of their columns with the session's user. verify judges these
 * tables in a separate scope, with the person as the tenant. Without this scope, no rule would judge their policies.
 */
export function personalTables(
  first: Tenancy,
  relations: readonly Relation[],
  evidence: Evidence,
): Tenancy | undefined {
  const left = new Map(
    relations
      .filter((relation) => isTable(relation) && relation.rowSecurity && !first.tables.has(relation.oid))
      .map((relation) => [relation.oid, relation]),
  )
  const votes = evidence.columns.filter((vote) => vote.via === 'direct' && left.has(vote.relation.oid))
  const use = commonest(votes.map((vote) => vote.use))
  if (use === undefined) return undefined
  const tables = new Map<Oid, TenantTable>()
  const names: string[] = []
  for (const vote of votes) {
    const column = vote.relation.columns.find((each) => each.name === vote.column)
    if (column === undefined || !same(vote.use, use) || tables.has(vote.relation.oid)) continue
    tables.set(vote.relation.oid, { kind: 'tenant', relation: vote.relation, column })
    names.push(column.name)
  }
  const call = votes.find((vote) => vote.call !== undefined && same(vote.use, use))?.call
  const alternatives = first.context.setting === use.setting ? first.context.alternatives : []
  return {
    ...first,
    personal: true,
    columnNames: [...new Set(names)],
    root: undefined,
    tables,
    context: { kind: 'tenant', ...use, alternatives, ...(call === undefined ? {} : { call }) },
    bindings: bindingsOf({ ...evidence, columns: votes, keys: [] }),
    notes: [
      `tables of a person, by ${describeSetting(use)}: ${[...tables.values()].map(({ relation }) => relation.label).join(', ')}`,
    ],
  }
}
