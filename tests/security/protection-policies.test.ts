import { beforeAll, describe, expect, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

const isolation = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
const seal = 'tenant_id = (select partywall.tenant_id()::uuid)'

describe('policies that change while a sealed application runs', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  beforeAll(async () => {
    watched = await createWatched()
  })

  it('are noticed when the seal policy goes', async () => {
    await run('drop policy tenant_seal_policy on public.documents')
    await watched.lost('documents')
    await run(
      `create policy tenant_seal_policy on public.documents as restrictive for all to tenant_user, tenant_admin using (${seal}) with check (${seal})`,
    )
    await watched.back()
  })

  it('are noticed when the seal policy keeps its name and says more', async () => {
    await run(
      'drop policy tenant_seal_policy on public.documents',
      `create policy tenant_seal_policy on public.documents as restrictive for all to tenant_user, tenant_admin
         using (${seal} or title like 'First%') with check (${seal})`,
      'create policy open on public.documents for select using (true)',
    )
    await watched.lost('documents')
    await run(
      'drop policy open on public.documents',
      'drop policy tenant_seal_policy on public.documents',
      `create policy tenant_seal_policy on public.documents as restrictive for all to tenant_user, tenant_admin using (${seal}) with check (${seal})`,
    )
    await watched.back()
  })

  it('are noticed when the seal policy leaves a role out, and that role’s policies show more', async () => {
    await run(
      'begin',
      'alter policy tenant_seal_policy on public.documents to tenant_user',
      'create policy open on public.documents for select to tenant_admin using (true)',
      'commit',
    )
    await watched.lost('open on public.documents')
    await run(
      'begin',
      'drop policy open on public.documents',
      'alter policy tenant_seal_policy on public.documents to tenant_user, tenant_admin',
      'commit',
    )
    await watched.back()
  })

  it('are accepted where they are wider and the seal still bounds them', async () => {
    await run('create policy open on public.documents for select using (true)')
    await watched.accepted(/open on public\.documents/)
    expect(await watched.titles()).toEqual(['First document'])
    await run('drop policy open on public.documents')
  })

  it('are accepted where an upgrade drops the table and makes it again with the policies of partywall', async () => {
    await run(
      'begin',
      'create table public.documents_2 (like public.documents including all)',
      'insert into public.documents_2 select * from public.documents',
      'drop table public.documents',
      'alter table public.documents_2 rename to documents',
      'grant select, insert, update on public.documents to tenant_user',
      'alter table public.documents enable row level security, force row level security',
      `create policy one on public.documents using (${isolation}) with check (${isolation})`,
      `create policy two on public.documents as restrictive to tenant_user, tenant_admin using (${seal}) with check (${seal})`,
      'create trigger enforce_tenant_id before insert or update on public.documents for each row execute function public.enforce_tenant_id()',
      'commit',
    )
    await watched.accepted(/two on public\.documents/)
  })
})

describe('policies that change while an unsealed application runs', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  beforeAll(async () => {
    watched = await createWatched({ seal: false }, async (database) => {
      // Unsealed: with a key in the database its directory would ask for a seal.
      await database.admin('delete from partywall.seal_keys')
      for (const table of ['documents', 'projects', 'users', 'tenants'])
        await database.admin(`drop policy tenant_seal_policy on public.${table}`)
      await database.admin("create policy only_first on public.documents as restrictive using (title like 'First%')")
    })
  })

  it.each([
    [
      'a new permissive policy',
      'create policy open on public.documents for select using (true)',
      'drop policy open on public.documents',
    ],
    [
      'a permissive policy for one role in reach',
      'create policy open on public.documents for select to tenant_user using (true)',
      'drop policy open on public.documents',
    ],
    [
      'a policy that reads another column of the tenant’s key',
      "create policy open on public.documents for select using (project_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))",
      'drop policy open on public.documents',
    ],
    [
      'the isolation policy with a second half',
      `alter policy tenant_isolation_policy on public.documents using (${isolation} or title is not null)`,
      `alter policy tenant_isolation_policy on public.documents using (${isolation})`,
    ],
    [
      'the isolation policy with a WITH CHECK that lets all through',
      'alter policy tenant_isolation_policy on public.documents with check (true)',
      `alter policy tenant_isolation_policy on public.documents with check (${isolation})`,
    ],
  ])('are noticed: %s', async (_change, change, undo) => {
    await run(change)
    await watched.lost('on public.documents')
    await run(undo)
    await watched.back()
  })

  it('are accepted where they only narrow, and where partywall writes them', async () => {
    await run('create policy narrow on public.documents as restrictive for select using (body is not null)')
    await watched.accepted(/narrow on public\.documents/)
    await run(
      'drop policy tenant_isolation_policy on public.documents',
      `create policy renamed on public.documents using (${isolation}) with check (${isolation})`,
    )
    await watched.accepted(/renamed on public\.documents/)
  })

  it('are accepted where a new table has the policy of its neighbours', async () => {
    await run(
      'begin',
      'create table public.notes (tenant_id uuid not null, note text)',
      'alter table public.notes enable row level security, force row level security',
      `create policy p on public.notes using (${isolation}) with check (${isolation})`,
      'grant select on public.notes to tenant_user',
      'commit',
    )
    await watched.accepted(/p on public\.notes/)
  })

  it('are noticed where a new table has a policy that shows all', async () => {
    await run(
      'begin',
      'create table public.open_notes (tenant_id uuid not null, note text)',
      'alter table public.open_notes enable row level security, force row level security',
      'create policy p on public.open_notes using (true)',
      'grant select on public.open_notes to tenant_user',
      'commit',
    )
    await watched.lost('p on public.open_notes')
    await run('drop table public.open_notes')
    await watched.back()
  })

  it('are noticed where a new table has its neighbours’ policy on another column', async () => {
    await run(
      'begin',
      'create table public.copies (tenant_id uuid not null, sender uuid not null, note text)',
      'alter table public.copies enable row level security, force row level security',
      `create policy p on public.copies using (${isolation.replace('tenant_id =', 'sender =')})`,
      'grant select on public.copies to tenant_user',
      'commit',
    )
    await watched.lost('p on public.copies')
    await run('drop table public.copies')
    await watched.back()
  })

  it.each([
    ['a view of a superuser', 'create view public.v as select title from public.documents', 'view'],
    [
      'a materialized view of the tables’ owner',
      'create materialized view public.v as select title from public.documents; alter materialized view public.v owner to app_owner',
      'materialized view',
    ],
  ])('are circumvented, and that is noticed, by %s', async (_name, create, kind) => {
    await run(create, 'grant select on public.v to tenant_user')
    await watched.lost('public.v')
    await run(`drop ${kind} public.v`)
    await watched.back()
  })
})

describe('a restrictive policy of the user’s own', () => {
  it('is noticed when it goes, where the permissive ones are wide', async () => {
    const watched = await createWatched({ seal: false }, async (database) => {
      // Unsealed: with a key in the database its directory would ask for a seal.
      await database.admin('delete from partywall.seal_keys')
      for (const table of ['documents', 'projects', 'users', 'tenants'])
        await database.admin(`drop policy tenant_seal_policy on public.${table}`)
      await database.admin(`drop policy tenant_isolation_policy on public.documents;
        create policy open on public.documents using (true);
        create policy bound on public.documents as restrictive using (${isolation})`)
    })
    await watched.database.admin('drop policy bound on public.documents')
    await watched.lost('bound on public.documents')
    await watched.database.admin(`create policy bound on public.documents as restrictive using (${isolation})`)
    await watched.back()
  })
})
