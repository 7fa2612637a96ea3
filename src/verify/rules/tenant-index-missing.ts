import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import { objectName } from '../../catalog/object-name.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

const MANY_ROWS = 100_000

export const tenantIndexMissing: Rule = {
  id: 'tenant-index-missing',
  group: 'context',
  ofProtect: 'always',
  title: 'No index starts with the tenant column',
  severity: 'low',
  meaning: 'Every query of every tenant reads the whole table, and a large tenant slows down the small ones.',
  remedy: 'Create an index that starts with the tenant column.',
  *run(facts) {
    for (const table of facts.tenancy.tables.values()) {
      if (table.kind !== 'tenant') continue
      const { relation, column } = table
      if (relation.isPartition || (relation.kind !== 'table' && relation.kind !== 'partitioned-table')) continue
      const used = (['SELECT', 'UPDATE', 'DELETE'] as const).some(
        (privilege) => facts.reach(relation, privilege).length > 0,
      )
      if (!used || leads(relation, column.number)) continue
      const index = `IF NOT EXISTS ${quoteIdentifier(indexName(relation, column.name))} ON ${qualifiedName(relation)} (${quoteIdentifier(column.name)});`
      yield {
        object: relation.label,
        ...(relation.estimatedRows > MANY_ROWS
          ? chosenSeverity('medium', `The table has more than ${MANY_ROWS} rows by estimate.`)
          : {}),
        message: `No index of ${relation.label} starts with ${column.name}: each query of a tenant reads the rows of all tenants.`,
        evidence: [`${Math.round(relation.estimatedRows)} rows by estimate`],
        fix:
          relation.kind === 'partitioned-table'
            ? `CREATE INDEX ${index}`
            : `-- On a table in use, outside a transaction: CREATE INDEX CONCURRENTLY ${index}\nCREATE INDEX ${index}`,
      }
    }
  },
}

function leads(relation: Relation, column: number): boolean {
  return relation.indexes.some(
    (index) => index.columns[0] === column && index.valid && index.predicate === undefined && index.method !== 'brin',
  )
}

/** A free name for the new index. With a name, CREATE INDEX IF NOT EXISTS can be run twice. */
function indexName(relation: Relation, column: string): string {
  const taken = new Set(relation.indexes.map((index) => index.name))
  const wanted = objectName([relation.name, column], '_idx')
  let name = wanted
  for (let at = 2; taken.has(name); at += 1) name = objectName([relation.name, column], `_idx${at}`)
  return name
}
