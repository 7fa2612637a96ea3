import { Kysely, PostgresDialect, sql } from 'kysely'
import type pg from 'pg'
import type { OrmReads } from './orm-sides.ts'

interface Row {
  readonly tenant_id: string
  readonly id: number
  readonly title: string
  readonly body: string
}
interface Tables {
  readonly plain: Row
  readonly walled: Row
  readonly sealed: Row
}
type Table = keyof Tables

const on = (pool: pg.Pool) => new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
const query = (db: Kysely<Tables>, table: Table, tenantId: string, id: number) =>
  db.selectFrom(table).select(['id', 'title', 'body']).where('tenant_id', '=', tenantId).where('id', '=', id).execute()

export const kysely: OrmReads = {
  orm: 'Kysely',
  unprotected(pool) {
    const db = on(pool)
    return { read: (tenantId, id) => query(db, 'plain', tenantId, id) }
  },
  sealed(pool) {
    const db = on(pool)
    return { read: (tenantId, id) => query(db, 'sealed', tenantId, id) }
  },
  usual(pool) {
    const db = on(pool)
    return {
      read: (tenantId, id) =>
        db.transaction().execute(async (transaction) => {
          await sql`select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', ${tenantId}, true)`.execute(
            transaction,
          )
          return query(transaction, 'walled', tenantId, id)
        }),
    }
  },
}
