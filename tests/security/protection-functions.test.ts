import { beforeAll, describe, expect, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

// The texts of the policies stay the same: what they call is replaced.

const isolation = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"

describe('functions of the seal', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  beforeAll(async () => {
    watched = await createWatched()
  })

  async function definitionOf(name: string): Promise<string> {
    const { rows } = await run(`select pg_get_functiondef('${name}'::regprocedure) as text`)
    return rows[0].text
  }

  it('are noticed when the body trusts the plain setting', async () => {
    const before = await definitionOf('partywall.tenant_id()')
    await run(`create or replace function partywall.tenant_id() returns text language sql stable security definer
      as $$ select current_setting('app.current_tenant_id', true) $$`)
    await watched.lost('partywall.tenant_id()')
    await run(`alter function partywall.tenant_id() reset all`, before)
    await watched.back()
  })

  it('are noticed when what they call in a string is replaced', async () => {
    const before = await definitionOf('partywall.sealed_body()')
    await run(before.replace('BEGIN\n', 'BEGIN\n  IF random() < 0 THEN RETURN NULL; END IF;\n'))
    await watched.lost('partywall.sealed_body()')
    await run(before)
    await watched.back()
  })

  it.each([
    [
      'a search path that holds public',
      'set search_path = public, pg_catalog',
      'set search_path = pg_catalog, pg_temp',
    ],
    ['its caller’s rights', 'security invoker', 'security definer'],
    ['another owner', 'owner to app_owner', 'owner to partywall_owner'],
  ])('are noticed when one gets %s', async (_change, change, undo) => {
    await run(`alter function partywall.role_at_least(text) ${change}`)
    await watched.lost('partywall.role_at_least(text)')
    await run(`alter function partywall.role_at_least(text) ${undo}`)
    await watched.back()
  })

  it('are accepted when their rights change', async () => {
    await run('create role watch_reader nologin', 'grant execute on function partywall.tenant_id() to watch_reader')
    await watched.accepted(/function partywall\.tenant_id/)
    await run('drop owned by watch_reader', 'drop role watch_reader')
  })
})

describe('functions and operators of the user’s own that policies call', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  const current = "select nullif(current_setting('app.current_tenant_id', true), '')::uuid"
  beforeAll(async () => {
    watched = await createWatched({ seal: false }, async (database) => {
      await database.admin('delete from partywall.seal_keys')
      for (const table of ['documents', 'projects', 'users', 'tenants'])
        await database.admin(`drop policy tenant_seal_policy on public.${table}`)
      await database.admin(`
        create function public.inner_tenant() returns uuid language sql stable as $$ ${current} $$;
        create function public.own_tenant() returns uuid language plpgsql stable as $$ begin return public.inner_tenant(); end $$;
        create function public.same(uuid, uuid) returns boolean language sql immutable as $$ select $1 = $2 $$;
        create operator public.=== (leftarg = uuid, rightarg = uuid, function = public.same);
        create function public.stamp() returns trigger language plpgsql as $$ begin return new; end $$;
        create trigger stamp before update on public.documents for each row execute function public.stamp();
        drop policy tenant_isolation_policy on public.documents;
        create policy own on public.documents using (tenant_id operator(public.===) (select public.own_tenant()))`)
    })
  })

  it.each([
    [
      'the function itself',
      'create or replace function public.own_tenant() returns uuid language plpgsql stable as $$ begin return null; end $$',
      'create or replace function public.own_tenant() returns uuid language plpgsql stable as $$ begin return public.inner_tenant(); end $$',
    ],
    [
      'a function that it calls in a string',
      `create or replace function public.inner_tenant() returns uuid language sql stable as $$ select tenant_id from public.documents limit 1 $$`,
      `create or replace function public.inner_tenant() returns uuid language sql stable as $$ ${current} $$`,
    ],
    [
      'the function of an operator',
      'create or replace function public.same(uuid, uuid) returns boolean language sql immutable as $$ select true $$',
      'create or replace function public.same(uuid, uuid) returns boolean language sql immutable as $$ select $1 = $2 $$',
    ],
    [
      'a setting of the function',
      'alter function public.own_tenant() set search_path = public',
      'alter function public.own_tenant() reset all',
    ],
    [
      'the owner of a definer function',
      'alter function public.own_tenant() security definer',
      'alter function public.own_tenant() security invoker',
    ],
  ])('are noticed: %s', async (_change, change, undo) => {
    await run(change)
    await watched.lost('own on public.documents')
    await run(undo)
    await watched.back()
  })

  it('are accepted where a trigger calls them that guards no tenant', async () => {
    await run(
      'create or replace function public.stamp() returns trigger language plpgsql as $$ begin new.title := trim(new.title); return new; end $$',
    )
    await watched.accepted(/function public\.stamp/)
  })

  it('are accepted where a function of the same name in another schema is new', async () => {
    await run(
      'create schema elsewhere',
      `create function elsewhere.own_tenant() returns uuid language sql as 'select null::uuid'`,
    )
    await watched.accepted(/rights schema elsewhere/)
  })

  it('are accepted where the policy becomes one that partywall writes', async () => {
    await run(
      'drop policy own on public.documents',
      `create policy plain on public.documents using (${isolation}) with check (${isolation})`,
    )
    await watched.accepted(/plain on public\.documents/)
    expect(await watched.titles()).toEqual(['First document'])
  })
})
