import { qualifiedName, quoteIdentifier, quoteLiteral } from '../../catalog/names.ts'
import type { Mutant, MutantMaker } from './mutant.ts'
import { protectedTables } from './protected-tables.ts'

/** Grants one privilege at a time that row-level security does not restrict, such as TRUNCATE. */
export const tableGrantMutants: MutantMaker = function* (facts) {
  for (const { relation, name, role } of protectedTables(facts)) {
    const to = quoteIdentifier(role.role.name)
    const weaken = (operator: string, sql: string): Mutant => ({ name: operator, object: relation.label, sql })
    yield weaken('grant-truncate', `grant truncate on ${name} to ${to}`)
    yield weaken(
      'grant-trigger',
      `grant trigger on ${name} to ${to}; grant create on schema ${quoteIdentifier(relation.schema)} to ${to}`,
    )
    yield weaken('grant-references', `grant references on ${name} to ${to}`)
    if (facts.catalog.serverVersion >= 170_000) yield weaken('grant-maintain', `grant maintain on ${name} to ${to}`)
    yield weaken('grant-public', `grant select on ${name} to public`)
    yield weaken('owner-to-app', `alter table ${name} owner to ${quoteIdentifier(facts.tenancy.appRole.name)}`)
    const registry = facts.tenancy.root?.relation
    if (registry?.oid === relation.oid) {
      yield weaken(
        'registry-open',
        `alter table ${name} disable row level security; grant select, update on ${name} to ${to}`,
      )
    }
  }
}

/** Weakens the application's role and its memberships. */
export const roleMutants: MutantMaker = function* (facts) {
  const app = quoteIdentifier(facts.tenancy.appRole.name)
  const object = `role ${facts.tenancy.appRole.name}`
  const { catalog } = facts
  const role = (name: string, sql: string): Mutant => ({ name, object, sql })
  for (const attribute of ['superuser', 'bypassrls', 'createrole', 'replication']) {
    yield role(`role-${attribute}`, `alter role ${app} ${attribute}`)
  }
  for (const predefined of ['pg_read_all_data', 'pg_write_all_data', 'pg_read_server_files', 'pg_monitor']) {
    yield role(`member-of-${predefined}`, `grant ${predefined} to ${app}`)
  }
  const owners = new Set(protectedTables(facts).map((table) => table.relation.owner))
  for (const owner of owners) {
    const name = facts.roleName(owner)
    if (owner !== facts.tenancy.appRole.oid) yield role('member-of-owner', `grant ${quoteIdentifier(name)} to ${app}`)
  }
  yield role('tenant-by-default', `alter role ${app} set ${quoteSetting(facts.tenancy.context.setting)} = '1'`)
  yield role('replica-mode-granted', `grant set on parameter session_replication_role to ${app}`)
  const database = quoteIdentifier(catalog.database.name)
  if (!facts.privileges.onDatabase(facts.tenancy.appRole.oid, 'TEMPORARY'))
    yield {
      name: 'grant-temporary',
      object: `database ${catalog.database.name}`,
      sql: `grant temporary on database ${database} to ${app}`,
    }
  for (const name of facts.tenancy.schemas) {
    const schema = quoteIdentifier(name)
    if (!facts.relations.some((relation) => relation.schema === name && facts.tenantTable(relation) !== undefined))
      continue
    yield { name: 'schema-create', object: `schema ${name}`, sql: `grant create on schema ${schema} to ${app}` }
    yield { name: 'schema-owner', object: `schema ${name}`, sql: `alter schema ${schema} owner to ${app}` }
    yield {
      name: 'default-privileges',
      object: `schema ${name}`,
      sql: `alter default privileges in schema ${schema} grant all on tables to ${app}`,
    }
  }
  const keys = [...catalog.relations.values()].find((each) => each.schema === 'partywall' && each.name === 'seal_keys')
  if (keys !== undefined) {
    const acting = facts.acting.map(({ role: { name } }) => quoteIdentifier(name)).join(', ')
    const sql = `grant usage on schema partywall to ${acting}; grant select on ${qualifiedName(keys)} to ${acting}`
    yield { name: 'seal-key-granted', object: keys.label, sql }
  }
}

/** The name of a setting for SQL, such as `app.tenant_id`, with quotes if they are needed. */
function quoteSetting(name: string): string {
  return /^[a-z_][\w$]*(\.[a-z_][\w$]*)*$/i.test(name) ? name : quoteLiteral(name).replaceAll("'", '"')
}
