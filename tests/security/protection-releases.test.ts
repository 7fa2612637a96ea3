import { describe, it } from 'vitest'
import { policyText, textHash } from '../../src/migrate/known-protection.ts'
import type { TestDatabase } from '../setup/database.ts'
import { createWatched } from '../setup/watched.ts'

// A rolling upgrade: `migrate` and `protect` of the next release change policies while processes of this release still serve.

const PLAIN = "nullif(current_setting('app.current_tenant_id', true), '')"
const NEXT = {
  isolation: `tenant_id = (select ${PLAIN}::uuid) and (select ${PLAIN}) is not null`,
  seal: 'tenant_id = (select partywall.tenant_id()::uuid) and (select partywall.tenant_id()) is not null',
}

const changeIsolation = `drop policy tenant_isolation_policy on public.documents;
  create policy tenant_isolation_policy on public.documents using (${NEXT.isolation}) with check (${NEXT.isolation})`
const changeSeal = `drop policy tenant_seal_policy on public.documents;
  create policy tenant_seal_policy on public.documents as restrictive for all to tenant_user, tenant_admin
    using (${NEXT.seal}) with check (${NEXT.seal})`

/** What `migrate` of that release does: the hashes of its texts, as this server prints them. */
async function record(database: TestDatabase): Promise<void> {
  await database.admin(`create table public.printed (like public.documents);
    create policy isolation on public.printed using (${NEXT.isolation}) with check (${NEXT.isolation});
    create policy seal on public.printed as restrictive for all using (${NEXT.seal}) with check (${NEXT.seal})`)
  const { rows } =
    await database.admin(`select p.polname as purpose, p.polpermissive as permissive, p.polcmd as command,
      pg_get_expr(p.polqual, p.polrelid) as using, pg_get_expr(p.polwithcheck, p.polrelid) as check
    from pg_policy p where p.polrelid = 'public.printed'::regclass`)
  for (const { purpose, ...printed } of rows) {
    const hash = textHash(policyText({ ...printed, column: 'tenant_id' }))
    await database.admin('insert into partywall.known_protection (purpose, hash) values ($1, $2)', [purpose, hash])
  }
  await database.admin('drop table public.printed')
}

async function withoutSeal(database: TestDatabase): Promise<undefined> {
  // With a key in the database its directory would ask for a seal.
  await database.admin('delete from partywall.seal_keys')
  for (const table of ['documents', 'projects', 'users', 'tenants'])
    await database.admin(`drop policy tenant_seal_policy on public.${table}`)
}

describe.each([
  { kind: 'sealed', change: `begin; ${changeIsolation}; ${changeSeal}; commit`, start: () => createWatched() },
  {
    kind: 'unsealed',
    change: `begin; ${changeIsolation}; commit`,
    start: () => createWatched({ seal: false }, withoutSeal),
  },
])('policies in the words of the next release, $kind', ({ change, start }) => {
  it('are accepted when that release has recorded them', async () => {
    const watched = await start()
    await record(watched.database)
    await watched.database.admin(change)
    await watched.accepted(/tenant_isolation_policy on public\.documents/)
  })

  it('are noticed when nobody has', async () => {
    const watched = await start()
    await watched.database.admin(change)
    await watched.lost('tenant_isolation_policy on public.documents')
  })
})
