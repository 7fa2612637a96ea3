// What tickets and suspensions depend on, besides the policies on the tenant.
import { beforeAll, describe, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

describe('the tables and the view of tickets', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  beforeAll(async () => {
    watched = await createWatched()
  })

  it('are noticed when the view trusts the plain setting', async () => {
    const { rows } = await run("select pg_get_viewdef('partywall.ticket'::regclass) as text")
    await run(
      `create or replace view partywall.ticket as select current_setting('app.current_tenant_id', true) as tenant_id`,
    )
    await watched.lost('partywall.ticket')
    await run(`create or replace view partywall.ticket as ${rows[0].text}`)
    await watched.back()
  })

  it('are noticed when the application may add tickets or keys', async () => {
    for (const table of ['partywall.tickets', 'partywall.seal_keys']) {
      await run(`grant insert on ${table} to tenant_user`)
      await watched.lost(table)
      await run(`revoke insert on ${table} from tenant_user`)
      await watched.back()
    }
  })

  it('are noticed when a seal for reading may write', async () => {
    await run('drop policy tenant_write_policy on documents')
    await watched.lost('tenant_write_policy')
    await run(
      'create policy tenant_write_policy on documents as restrictive for all to tenant_user, tenant_admin with check ((select partywall.seal_writes()))',
    )
    await watched.back()
  })

  it('are accepted when the policies of the release before come back, which need none for writing', async () => {
    const seal = 'tenant_id = (select partywall.tenant_id()::uuid)'
    await run(
      'begin',
      'drop policy tenant_write_policy on documents',
      'drop policy tenant_seal_policy on documents',
      `create policy tenant_seal_policy on documents as restrictive for all to tenant_user, tenant_admin using (${seal}) with check (${seal})`,
      'commit',
    )
    await watched.accepted(/tenant_seal_policy/)
  })

  it('are noticed when no trigger tells of suspensions any more', async () => {
    await run('alter table tenants disable trigger partywall_tenant_change')
    await watched.lost('partywall_tenant_change')
    await run('alter table tenants enable trigger partywall_tenant_change')
    await watched.back()
  })
})
