import { beforeAll, describe, expect, it } from 'vitest'
import { runWithoutTenant, runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestTenant, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'
import { type Guide, openGuide } from './open-guide.ts'
import { type DocumentRow, documentsAfter, searchDocuments } from './search.ts'

const ROWS = 20_000

describe('the guide to search and big tables', () => {
  let guide: Guide
  let wall: Partywall
  let a: TestTenant
  let b: TestTenant

  beforeAll(async () => {
    guide = await openGuide('search', { roles: ['documents_search'] })
    ;({ wall } = await createTestWall(guide))
    a = await createTestTenant(guide)
    b = await createTestTenant(guide)
    for (const tenant of [a, b])
      await guide.admin(
        `insert into documents (tenant_id, title, body, created_at)
         select $1, 'Report ' || n, case when n % 1000 = 0 then 'heron' else 'sparrow' end, now() - n * interval '1 second'
         from generate_series(1, ${ROWS}) n`,
        [tenant.id],
      )
    await guide.admin('analyze documents')
  })
  const as = <T>(tenant: TestTenant, fn: () => Promise<T>) =>
    runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles: ['member'] }, fn)
  const ownerOf = async (rows: readonly DocumentRow[]) => {
    const found = await guide.admin('select distinct tenant_id from documents where id = any ($1)', [
      rows.map(({ id }) => id),
    ])
    return found.rows.map(({ tenant_id }) => tenant_id)
  }

  it('finds the words of its own tenant alone', async () => {
    for (const tenant of [a, b]) {
      const found = await as(tenant, () => searchDocuments(wall, 'heron'))
      expect(found).toHaveLength(20)
      expect(await ownerOf(found)).toEqual([tenant.id])
    }
    expect(await as(a, () => searchDocuments(wall, 'albatross'))).toEqual([])
    expect(await as(a, () => searchDocuments(wall, b.key))).toEqual([])
  })

  it('pages through a list without a gap, and never into another tenant', async () => {
    const first = await as(a, () => documentsAfter(wall))
    const second = await as(a, () => documentsAfter(wall, first.at(-1)))
    expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(40)
    expect(await ownerOf([...first, ...second])).toEqual([a.id])
  })

  it('reads the index of words, and not the whole tenant', async () => {
    const { rows } = await guide.admin(
      `explain select id from documents where tenant_id = '${a.id}' and words @@ plainto_tsquery('simple', 'heron')`,
    )
    expect(JSON.stringify(rows)).toContain('documents_words')
  })

  it('finds nothing without a tenant, and only tenants may call the function', async () => {
    const search = () => wall.pool.query("select search_documents('heron')")
    expect((await runWithoutTenant(search)).rows).toEqual([])
    await expect((async () => search())()).rejects.toMatchObject({ code: 'PARTYWALL_CONTEXT_MISSING' })
    const { rows } = await guide.admin(
      "select has_function_privilege('public', 'search_documents(text)', 'execute') as may",
    )
    expect(rows).toEqual([{ may: false }])
  })

  it('finds nothing of another tenant, although injected SQL sets the plain setting to it', async () => {
    const injected = `with s as materialized (select set_config('app.current_tenant_id', $1, true))
      select search_documents($2) as id from s`
    const { rows } = await as(a, () => wall.pool.query(injected, [b.id, 'heron']))
    expect(rows).toHaveLength(20)
    expect(await ownerOf(rows)).toEqual([a.id])
  })

  it('adds no finding of verify, and a function that trusts the plain setting is one', async () => {
    expect(await guide.findings()).toEqual([])
    const { rows } = await guide.admin("select pg_get_functiondef('search_documents(text)'::regprocedure) as text")
    const plain = String(rows[0].text).replace('partywall.tenant_id()', "current_setting('app.current_tenant_id')")
    await guide.admin(plain)
    expect((await guide.findings()).join()).toContain('policy-unsealed public.search_documents(text)')
  })
})
