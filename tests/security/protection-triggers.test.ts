import { beforeAll, describe, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

describe('triggers that guard the tenant column', () => {
  let watched: Watched
  const run = (...sql: readonly string[]) => watched.database.admin(sql.join(';'))
  const guard =
    'create trigger enforce_tenant_id before insert or update on public.documents for each row execute function public.enforce_tenant_id()'
  beforeAll(async () => {
    watched = await createWatched()
  })

  it.each([
    [
      'disabled',
      ['alter table public.documents disable trigger enforce_tenant_id'],
      ['alter table public.documents enable trigger enforce_tenant_id'],
    ],
    [
      'disabled with all others',
      ['alter table public.documents disable trigger user'],
      ['alter table public.documents enable trigger user'],
    ],
    [
      'enabled for replicas alone',
      ['alter table public.documents enable replica trigger enforce_tenant_id'],
      ['alter table public.documents enable always trigger enforce_tenant_id'],
    ],
    ['dropped', ['drop trigger enforce_tenant_id on public.documents'], [guard]],
    [
      'one that calls another function',
      [
        'create function public.nothing() returns trigger language plpgsql as $$ begin return new; end $$',
        'create or replace trigger enforce_tenant_id before insert or update on public.documents for each row execute function public.nothing()',
      ],
      [guard.replace('create trigger', 'create or replace trigger')],
    ],
  ])('are noticed when one is %s', async (_change, change, undo) => {
    await run(...change)
    await watched.lost('enforce_tenant_id on public.documents')
    await run(...undo)
    await watched.back()
  })

  it('are accepted under another name', async () => {
    await run('alter trigger enforce_tenant_id on public.documents rename to guard_tenant')
    await watched.accepted(/guard_tenant on public\.documents/)
  })
})
