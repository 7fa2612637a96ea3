// A plan counts the rows that an index found and a filter removed, also rows of another tenant. So tenants' connections refuse EXPLAIN.
import { beforeAll, describe, expect, it } from 'vitest'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
const SECRET = 'known-to-b@example.com'

beforeAll(async () => {
  two = await createTwoTenants()
  // The index does not start with the tenant, as those of keys often do.
  await two.database.admin('create index by_email on public.users (email)')
  await two.database.admin('update public.users set email = $1 where id = $2', [SECRET, two.b.userId])
})

const refused = {
  code: 'PARTYWALL_STATEMENT_REFUSED',
  message: expect.stringContaining("allowStatements: ['EXPLAIN']"),
}

const FORMS = [
  'explain select * from users',
  'EXPLAIN ANALYZE SELECT * FROM users',
  'explain (analyze, format json) select * from users',
  'explain analyze verbose select * from users',
  '-- a plan\n/* of /* nested */ text */ explain select * from users',
  ' \t\n explain analyze with u as (select 1) select * from u',
  'explain update users set name = name',
  'explain (analyze) (select 1) union (select 2)',
]

/** The rows that were removed by a filter when tenant A asked for an address. */
async function removedRows(pool: TenantPool, email: string): Promise<string | undefined> {
  return two.as(two.a, () =>
    pool.transaction(async (tx) => {
      await tx.query('set local enable_seqscan = off')
      const { rows } = await tx.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, costs off, timing off, summary off, buffers off) select 1 from users where email = $1`,
        [email],
      )
      return /Rows Removed by Filter: (\d+)/.exec(rows.map((row) => row['QUERY PLAN']).join('\n'))?.[1]
    }),
  )
}

describe('EXPLAIN on tenants’ connections', () => {
  it.each(FORMS)('is refused before it is sent: %s', (text) =>
    two.withPool({}, async (pool) => {
      await expect(two.as(two.a, () => pool.query(text))).rejects.toMatchObject(refused)
      await expect(two.as(two.a, () => pool.transaction((tx) => tx.query(text)))).rejects.toMatchObject(refused)
      await expect(two.as(two.a, () => pool.query({ name: 'mine', text }))).rejects.toMatchObject(refused)
    }),
  )

  it('is refused behind PREPARE, EXECUTE, DO and other statements, and inside of functions that run text', () =>
    two.withPool({}, async (pool) => {
      for (const text of [
        'prepare p as select 1',
        'explain execute p',
        'explain analyze execute p',
        'execute p',
        "do $$ declare r text; begin for r in execute 'explain select 1' loop raise notice '%', r; end loop; end $$",
        'explain analyze create table loot as select 1',
        'explain analyze declare c cursor for select 1',
      ])
        await expect(
          two.as(two.a, () => pool.query(text)),
          text,
        ).rejects.toMatchObject({
          code: 'PARTYWALL_STATEMENT_REFUSED',
        })
      await expect(two.as(two.a, () => pool.query('select 1; explain select 1'))).rejects.toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
      })
      for (const text of [
        `select query_to_xml('explain analyze select * from users', true, false, '')`,
        `declare c cursor for explain select 1`,
        `with e as (explain select 1) select * from e`,
      ])
        await expect(
          two.as(two.a, () => pool.transaction((tx) => tx.query(text))),
          text,
        ).rejects.toThrow(/syntax error|cannot open EXPLAIN query|refused|not allowed/)
    }))

  it('would tell tenant A whether another tenant has an address', () =>
    two.withPool({ allowStatements: ['EXPLAIN'] }, async (pool) => {
      expect(await removedRows(pool, SECRET)).toBe('1')
      expect(await removedRows(pool, 'nobody@example.com')).toBeUndefined()
    }))

  it('is permitted by allowStatements for rows alone', () =>
    two.withPool({ allowStatements: ['explain'] }, async (pool) => {
      for (const text of FORMS) expect((await two.as(two.a, () => pool.query(text))).rows.length).toBeGreaterThan(0)
      for (const text of ['explain analyze execute p', 'explain analyze create table loot as select 1'])
        await expect(two.as(two.a, () => pool.query(text))).rejects.toMatchObject({
          code: 'PARTYWALL_STATEMENT_REFUSED',
        })
      await expect(
        two.as(two.a, () => pool.query('explain analyze select 1 as a into temp loot')),
      ).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
    }))
})
