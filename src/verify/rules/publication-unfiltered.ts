import type { Publication } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { Rule } from '../finding/rule.ts'
import { someOf } from '../readings/role-paths.ts'

export const publicationUnfiltered: Rule = {
  id: 'publication-unfiltered',
  group: 'object',
  title: 'A publication sends the rows of all tenants',
  severity: 'medium',
  meaning:
    'Row-level security does not apply to logical replication: a subscriber receives the changes of every tenant.',
  remedy:
    'Add a row filter for each tenant, or keep the publication for subscribers that may see all tenants, and accept the finding.',
  *run(facts) {
    for (const publication of facts.catalog.publications) {
      const tables = unfiltered(facts, publication)
      if (tables.length === 0) continue
      const labels = tables.map((relation) => relation.label)
      yield {
        object: `publication ${publication.name}`,
        message: `Publication ${publication.name} sends the rows of all tenants in ${someOf(labels)}: no policy applies to a subscriber.`,
        evidence: [publication.allTables ? 'FOR ALL TABLES' : `without a row filter: ${someOf(labels)}`],
        fix: [
          '-- A publication for each subscriber, with its tenant in the filter: FOR TABLE t WHERE (tenant_id = …). Or:',
          `DROP PUBLICATION IF EXISTS ${quoteIdentifier(publication.name)};`,
        ].join('\n'),
      }
    }
  },
}

function unfiltered(facts: Facts, publication: Publication): readonly Relation[] {
  const listed = new Map(publication.tables.map((table) => [table.relation, table.filter]))
  return [...facts.tenancy.tables.values()]
    .filter(({ kind, relation }) => kind !== 'root' && !relation.isPartition)
    .map(({ relation }) => relation)
    .filter(
      (relation) =>
        publication.allTables ||
        publication.schemas.includes(relation.schemaOid) ||
        (listed.has(relation.oid) && listed.get(relation.oid) === undefined),
    )
}
