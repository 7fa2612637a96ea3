import { and, eq, sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import type { OrmReads } from './orm-sides.ts'

const tableOf = (name: string) =>
  pgTable(name, { tenantId: uuid('tenant_id'), id: integer('id'), title: text('title'), body: text('body') })
const [plain, walled, sealed] = ['plain', 'walled', 'sealed'].map(tableOf) as [Table, Table, Table]
type Table = ReturnType<typeof tableOf>

const query = (db: Pick<NodePgDatabase, 'select'>, table: Table, tenantId: string, id: number) =>
  db
    .select({ id: table.id, title: table.title, body: table.body })
    .from(table)
    .where(and(eq(table.tenantId, tenantId), eq(table.id, id)))

export const drizzleOrm: OrmReads = {
  orm: 'Drizzle',
  unprotected(pool) {
    const db = drizzle(pool)
    return { read: async (tenantId, id) => query(db, plain, tenantId, id) }
  },
  sealed(pool) {
    const db = drizzle(pool)
    return { read: async (tenantId, id) => query(db, sealed, tenantId, id) }
  },
  usual(pool) {
    const db = drizzle(pool)
    return {
      read: (tenantId, id) =>
        db.transaction(async (transaction) => {
          await transaction.execute(
            sql`select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', ${tenantId}, true)`,
          )
          return query(transaction, walled, tenantId, id)
        }),
    }
  },
}
