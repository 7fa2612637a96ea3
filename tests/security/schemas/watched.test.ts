// The protection watch, while schemas of tenants come and change.
import { describe, it } from 'vitest'
import { createTestTenant } from '../../setup/database.ts'
import { createPlacedTenant, exampleSchemaSql, newSchemaName } from '../../setup/tenant-schemas.ts'
import { createWatched } from '../../setup/watched.ts'

describe('the protection watch', () => {
  it('accepts the schema of a new tenant, and a second run of install_schema', async () => {
    const watched = await createWatched()
    const placed = await createPlacedTenant(watched.database)
    await watched.accepted(new RegExp(placed.schema))
    await watched.database.admin(
      `create table ${placed.schema}.later (id int); alter table ${placed.schema}.later owner to app_owner; call partywall.install_schema('${placed.schema}', '${placed.id}')`,
    )
    await watched.accepted(/later/)
  })

  it('notices policies in a new schema that name another tenant than one schema may', async () => {
    const watched = await createWatched()
    const placed = await createPlacedTenant(watched.database)
    await watched.accepted(new RegExp(placed.schema))
    const copy = newSchemaName()
    const other = await createTestTenant(watched.database)
    await watched.database.admin(exampleSchemaSql(copy))
    // As a dump of the first schema that was restored under another name.
    await watched.database.admin(
      `begin; call partywall.install_schema('${copy}', '${other.id}');
       alter policy tenant_isolation_policy on ${copy}.documents using (${pasted(placed.id)}) with check (${pasted(placed.id)});
       drop policy tenant_seal_policy on ${copy}.documents; commit`,
    )
    await watched.lost(`${copy}.documents`)
    await watched.database.admin(`call partywall.install_schema('${copy}', '${other.id}')`)
    await watched.back()
  })

  it('notices a policy of a tenant’s schema that is gone', async () => {
    const watched = await createWatched({}, async (database) => {
      await createPlacedTenant(database, { schema: 'tenant_watched' })
      return {}
    })
    await watched.database.admin(
      'drop policy tenant_seal_policy on tenant_watched.documents; create policy wide on tenant_watched.documents using (true)',
    )
    await watched.lost('tenant_watched.documents')
  })
})

function pasted(tenant: string): string {
  return `(select encode(sha256(convert_to(current_setting('app.current_tenant_id', true), 'UTF8')), 'hex')) = encode(sha256(convert_to('${tenant}', 'UTF8')), 'hex')`
}
