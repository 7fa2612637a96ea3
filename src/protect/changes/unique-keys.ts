import type { Column, Index, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Decision, Part } from '../change.ts'
import type { Planning } from '../input.ts'
import type { Target } from '../target.ts'

/** Unique and exclusion keys without the tenant: whether one value is one tenant's or everybody's is a person's to say. */
export function uniqueKeys(planning: Planning, target: Target): Part {
  const { relation, column } = target
  if (target.kind === 'root' || relation.isPartition) return { changes: [], decisions: [] }
  const decisions = relation.indexes.flatMap((index): readonly Decision[] => {
    if ((!index.unique && !index.exclusion) || index.primary) return []
    const key = index.columns.flatMap((number) => relation.columns.find((each) => each.number === number) ?? [])
    if (key.some((each) => each.name === column.name || isDrawn(each) || refersToTenant(planning, relation, each)))
      return []
    if (index.expressions?.includes(column.name) === true) return []
    return [
      {
        object: relation.label,
        reason: `${index.name} is unique over all tenants: one tenant learns that another has a value, and takes it. If it is unique within a tenant only:`,
        sql: remedy(relation, column.name, index),
      },
    ]
  })
  return { changes: [], decisions }
}

function remedy(relation: Relation, tenant: string, index: Index): string {
  const table = qualifiedName(relation)
  const name = quoteIdentifier(index.name)
  const constraint = relation.constraints.find((each) => each.index === index.oid && each.kind !== 'foreign-key')
  if (index.exclusion) return `-- Add ${quoteIdentifier(tenant)} WITH = to ${name} (needs extension btree_gist).`
  const withTenant = index.definition.replace(/ USING (\w+) \(/, ` USING $1 (${quoteIdentifier(tenant)}, `)
  if (constraint === undefined) return `DROP INDEX ${quoteIdentifier(relation.schema)}.${name};\n${withTenant};`
  const columns = index.columns.map((number) => relation.columns.find((each) => each.number === number)?.name ?? '')
  return `ALTER TABLE ${table} DROP CONSTRAINT ${name},\n  ADD CONSTRAINT ${name} UNIQUE (${[tenant, ...columns].map(quoteIdentifier).join(', ')});`
}

/** A value that the database or the program draws: nobody guesses it, and nobody has a reason to choose it. */
function isDrawn(column: Column): boolean {
  return (
    column.identity !== undefined ||
    column.baseType === 'uuid' ||
    /\bnextval\(|uuid|random/i.test(column.default ?? '') ||
    /(token|secret|hash|digest|nonce|jti|signature|fingerprint)/i.test(column.name)
  )
}

/** A reference to a row of one tenant: the key is then within that tenant. */
function refersToTenant(planning: Planning, relation: Relation, column: Column): boolean {
  return relation.constraints.some(
    (constraint) =>
      constraint.references !== undefined &&
      constraint.columns.includes(column.number) &&
      planning.targetOf(constraint.references.relation) !== undefined,
  )
}
