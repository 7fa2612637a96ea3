import type { Column } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'

export const largeObjects: Rule = {
  id: 'large-objects',
  group: 'object',
  title: 'Tenant data is kept in large objects',
  severity: 'high',
  meaning:
    'Large objects have no row-level security: all tenants share their owner, and a number is enough to read or overwrite one.',
  remedy: 'Keep the bytes in a bytea column of a protected table.',
  *run(facts) {
    let columns = 0
    for (const { relation } of facts.tenancy.tables.values()) {
      if (relation.isPartition) continue
      for (const column of relation.columns) {
        if (!holdsLargeObject(column) || facts.reach(relation, 'SELECT').length === 0) continue
        columns += 1
        yield {
          object: relation.label,
          detail: column.name,
          message: `${relation.label}.${column.name} refers to large objects: they belong to the app's role, so each tenant can read and overwrite those of all tenants with lo_get and lo_put.`,
          evidence: [`${column.name} ${column.type}`],
          fix: `-- Keep the bytes in the row, where the policies of the table protect them:\n-- ALTER TABLE ${qualifiedName(relation)} ADD COLUMN ${quoteIdentifier(`${column.name}_bytes`)} bytea;\n-- UPDATE ${qualifiedName(relation)} SET ${quoteIdentifier(`${column.name}_bytes`)} = lo_get(${quoteIdentifier(column.name)});`,
        }
      }
    }
    if (columns > 0) return
    const owners = new Set(facts.acting.filter((role) => !role.bypasses).map((role) => role.role.oid))
    const owned = facts.catalog.largeObjects.filter((object) => owners.has(object.owner))
    const first = owned[0]
    if (first === undefined) return
    yield {
      object: `role ${facts.roleName(first.owner)}`,
      message: `${facts.roleName(first.owner)} owns ${owned.length} large ${owned.length === 1 ? 'object' : 'objects'}: each tenant can read and overwrite them.`,
      evidence: [`${owned.length} in pg_largeobject_metadata`],
      fix: '-- Keep the bytes in a bytea column of a protected table, and unlink the large objects.',
    }
  },
}

/** Whether a column refers to a large object: it has the type `lo`, or type oid and a name that suggests no system object. */
function holdsLargeObject(column: Column): boolean {
  if (/(^|\.)lo$/.test(column.type)) return true
  return (
    column.baseType === 'oid' &&
    column.type === 'oid' &&
    !/^(.*_)?(rel|class|type|proc|table)_?(oid|id)?$/i.test(column.name)
  )
}
