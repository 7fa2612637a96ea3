import { quoteIdentifier } from '../../catalog/names.ts'
import { safeOwner } from '../../tenancy/owners.ts'
import type { Rule } from '../finding/rule.ts'
import { someOf } from '../readings/role-paths.ts'

export const replaceableTypeOperator: Rule = {
  id: 'replaceable-type-operator',
  group: 'object',
  title: 'The application owns a type that tenant tables use',
  severity: 'medium',
  meaning: 'The owner of a domain or enum changes its checks, its default and its values for every tenant.',
  remedy: 'Give the type to the migration role.',
  *run(facts) {
    const inReach = new Set([facts.tenancy.appRole.oid, ...facts.becomable.map((path) => path.role.oid)])
    for (const type of facts.catalog.types.values()) {
      if (type.extension !== undefined || !inReach.has(type.owner)) continue
      if (type.kind !== 'domain' && type.kind !== 'enum' && type.kind !== 'composite') continue
      const uses = [...facts.tenancy.tables.values()].flatMap(({ relation }) =>
        relation.columns
          .filter((column) => column.typeOid === type.oid)
          .map((column) => `${relation.label}.${column.name}`),
      )
      if (uses.length === 0) continue
      const name = `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`
      yield {
        object: `${type.schema}.${type.name}`,
        message: `${type.kind === 'domain' ? 'Domain' : 'Type'} ${type.schema}.${type.name} belongs to ${facts.roleName(type.owner)}, which the app is or can become, and ${someOf(uses)} ${uses.length === 1 ? 'uses' : 'use'} it: one tenant changes what all may store.`,
        evidence: [`owner ${facts.roleName(type.owner)}`],
        fix: `ALTER ${type.kind === 'domain' ? 'DOMAIN' : 'TYPE'} ${name} OWNER TO ${quoteIdentifier(safeOwner(facts))};`,
      }
    }
  },
}
