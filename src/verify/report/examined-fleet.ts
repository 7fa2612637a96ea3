import { createHash } from 'node:crypto'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { FleetRelation } from '../../tenancy/fleet/fleet.ts'
import { tenantsOf } from '../readings/fleet-tables.ts'
import { HASHED } from '../readings/schema-policies.ts'
import type { ExaminedFleetRelation, ExaminedPolicy } from './examined.ts'

/** The relations of tenants' own schemas, with policies. If a table is alike in a thousand schemas, there is one entry for it. */
export function fleetRelationsOf(facts: Facts): readonly ExaminedFleetRelation[] {
  const { fleet } = facts
  if (fleet === undefined) return []
  const tenants = tenantsOf(facts, fleet)
  const folded = new Map<string, ExaminedFleetRelation & { readonly schemas: string[] }>()
  for (const relation of fleet.relations) {
    const { name, kind, owner, rowSecurity, forced, schema } = relation
    const policies = policiesOf(facts, relation, tenants.get(schema))
    const reach = relation.reach.map((oid) => facts.roleName(oid))
    const key = JSON.stringify([name, kind, owner, rowSecurity, forced, relation.shape, reach, policies])
    const known = folded.get(key)
    if (known !== undefined) known.schemas.push(schema)
    else folded.set(key, { name, kind, owner, rowSecurity, forced, schemas: [schema], reach, policies })
  }
  return [...folded.values()]
}

function policiesOf(facts: Facts, relation: FleetRelation, tenant: string | undefined): readonly ExaminedPolicy[] {
  const marks = tenant === undefined || tenant === '' ? [] : marksOf(tenant)
  const own = `${quoteIdentifier(relation.schema)}.`
  const generic = (sql: string | undefined) => {
    if (sql === undefined) return undefined
    const unnamed = marks.reduce((text, mark) => text.replaceAll(`'${mark}'`, "'<tenant>'"), sql)
    // A qualified name follows one of these characters. A longer name that ends like the schema's name does not.
    return ['(', ' ', ','].reduce((text, lead) => text.replaceAll(`${lead}${own}`, `${lead}<schema>.`), unnamed)
  }
  return relation.policies.map(({ name, permissive, command, roles, using, check }) => ({
    name,
    permissive,
    command,
    roles: roles.map((oid) => facts.roleName(oid)),
    using: generic(using),
    check: generic(check),
  }))
}

/** The texts by which a policy may name a tenant: its id, or the SHA-256 of the id. */
function marksOf(tenant: string): readonly string[] {
  if (tenant.startsWith(HASHED)) return [tenant.slice(HASHED.length)]
  return [tenant.replaceAll("'", "''"), createHash('sha256').update(tenant).digest('hex')]
}
