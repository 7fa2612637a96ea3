import { beforeAll, describe, expect, it } from 'vitest'
import { createWatched, type Watched } from '../setup/watched.ts'

let watched: Watched
const run = (sql: string) => watched.database.admin(sql)

beforeAll(async () => {
  watched = await createWatched()
})

describe('the protection watch', () => {
  it('refuses tenants while row security is off, names the table, and goes on when it is back', async () => {
    expect(await watched.titles()).toEqual(['First document'])
    await run('alter table public.documents disable row level security')
    await watched.lost('documents')
    await run('alter table public.documents enable row level security')
    await watched.back()
    expect(watched.told.map((event) => event.type)).toEqual(['PROTECTION_CHANGED', 'PROTECTION_RESTORED'])
  })

  it('accepts grants that a deploy changes', async () => {
    await run('grant delete on public.documents to tenant_user')
    await watched.accepted(/relation public.documents/)
    await run('revoke delete on public.documents from tenant_user')
  })
})
