import { expect } from 'vitest'
import { CONNECTIONS } from '../stage.ts'
import type { Behaviours } from './behaviour.ts'
import { expectAllConnections } from './reading.ts'

/** SQL that an attacker injected into a text of the application. */
export const hostile: Behaviours = {
  async 'injected SQL that sets the other tenant reads none of its rows'(stage) {
    const { a, b, orm } = stage
    const injected = `select set_config('app.current_tenant_id', '${b.tenant.id}', true),
      (select count(*)::int from books where tenant_id = '${b.tenant.id}') as n,
      query_to_xml('select title from books', true, false, '')::text as rows`
    const rows = await stage.as(a, () => orm.raw(injected)).catch(() => [])
    expect(JSON.stringify(rows)).not.toContain('fixed')
  },
  async 'a setting that injected SQL leaves for the session does not reach the next tenant'(stage) {
    const { a, b, orm } = stage
    for (let turn = 0; turn < CONNECTIONS; turn++)
      await stage.as(a, () =>
        orm
          .raw(`select set_config('app.current_tenant_id', '${a.tenant.id}', false), set_config('role', 'none', false)`)
          .catch(() => {}),
      )
    for (let turn = 0; turn < CONNECTIONS; turn++) {
      const books = await stage.as(b, () => orm.all())
      expect(new Set(books.map(({ tenantId }) => tenantId))).toEqual(new Set([b.tenant.id]))
    }
  },
  async 'a second statement in a text is refused'(stage) {
    const { a, orm } = stage
    const stacked = stage.as(a, () => orm.raw('select 1; delete from books'))
    await expect(stacked).rejects.toThrow()
    expect(await stage.as(a, () => orm.count())).toBe(a.fixed)
  },
  async 'statements that change the session or the schema are refused'(stage) {
    const { a, orm } = stage
    for (const text of [
      'create temp table books (id uuid)',
      "set app.current_tenant_id = 'x'",
      'set role none',
      'alter table books disable row level security',
      'listen everything',
      'do $$ begin perform 1; end $$',
    ]) {
      const answer = await stage.answer(a, () => orm.raw(text))
      expect({ text, code: answer.code }).toEqual({ text, code: 'PARTYWALL_STATEMENT_REFUSED' })
    }
  },
  async 'a connection whose backend was terminated is replaced, and both tenants go on'(stage) {
    const { a, b, orm, database } = stage
    await stage.as(a, () => orm.count())
    const broken = stage.as(a, () => orm.raw('select pg_sleep(60)'))
    const settled = broken.then(
      () => 'it slept',
      () => 'refused',
    )
    await until(async () => {
      const { rows } = await database.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'app' and query like '%pg_sleep(60)%' and state = 'active'",
      )
      return rows.length > 0
    })
    expect(await settled).toBe('refused')
    if (stage.keepsBroken) {
      let good = 0
      const count = () =>
        orm.count().then(
          () => ++good,
          () => {
            good = 0
          },
        )
      await until(async () => {
        await stage.as(a, count)
        return good > 2 * CONNECTIONS
      })
    }
    for (const side of [a, b]) expect(await stage.as(side, () => orm.count())).toBe(side.fixed)
    await expectAllConnections(stage, CONNECTIONS)
  },
  async 'a suspended tenant can write nothing more, also in the transaction that it has open'(stage) {
    const { a, orm, database } = stage
    const book = stage.book(a)
    const work = stage.as(a, () =>
      orm.transaction(async (transaction) => {
        await transaction.count()
        await database.admin("update tenants set status = 'suspended' where id = $1", [a.tenant.id])
        await transaction.insert(book)
      }),
    )
    try {
      await expect(work).rejects.toThrow()
      expect(await stage.titled(book.title)).toEqual({})
    } finally {
      await database.admin("update tenants set status = 'active' where id = $1", [a.tenant.id])
    }
    expect(await stage.as(a, () => orm.count())).toBe(a.fixed)
  },
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('the condition did not hold within 20 s')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
