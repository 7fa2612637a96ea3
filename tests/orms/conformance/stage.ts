import { randomUUID } from 'node:crypto'
import { runInTenantFrame } from '../../../src/context/run-with-tenant.ts'
import type { SecurityEvent } from '../../../src/events/security-events.ts'
import { failureProblem } from '../../../src/http/problem.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { createTestWall } from '../../setup/wall.ts'
import type { NewBook, OpenOrm, OrmUnderTest } from './orm.ts'

/** One tenant of the stage. */
export interface Side {
  readonly tenant: TestTenant
  /** How many books it has that never change. */
  readonly fixed: number
  readonly bookId: string
  readonly shelfId: string
}

/** A sealed database with two tenants and one ORM on its wall. */
export interface Stage {
  readonly database: TestDatabase
  readonly wall: Partywall
  readonly orm: OpenOrm
  readonly a: Side
  readonly b: Side
  readonly events: SecurityEvent[]
  /** The code of an answer to a missing privilege. */
  readonly privilegeCode: string
  /** The library's own pool may lend a broken connection once more. */
  readonly keepsBroken: boolean
  /** Runs as a request does: with the wall's events. */
  as<T>(side: Side, fn: () => T, roles?: readonly string[]): T
  /** The status and code that the application's client gets for an error. */
  answer(side: Side, work: () => Promise<unknown>): Promise<{ readonly status: number; readonly code: unknown }>
  /** A book of a side with a title that nobody has. */
  book(side: Side, changes?: Partial<NewBook>): NewBook
  /** As superuser: how many books with this title there are, by tenant. */
  titled(title: string): Promise<Record<string, number>>
}

/** How many connections the pool has. */
export const CONNECTIONS = 4

const OWN = "(select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
const SEALED = '(select partywall.tenant_id()::uuid)'

const TABLES = `
  create table shelves (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null default nullif(current_setting('app.current_tenant_id', true), '')::uuid,
    writer uuid not null, label text not null,
    unique (tenant_id, id), unique (tenant_id, label));
  create table books (
    id uuid primary key default gen_random_uuid(),
    tenant_id uuid not null default nullif(current_setting('app.current_tenant_id', true), '')::uuid,
    writer uuid not null, title text not null, n integer not null default 0 check (n < 1000000), shelf_id uuid,
    unique (tenant_id, title),
    foreign key (tenant_id, shelf_id) references shelves (tenant_id, id));
  ${['shelves', 'books']
    .map(
      (table) => `
  alter table ${table} enable row level security;
  alter table ${table} force row level security;
  create policy tenant_isolation_policy on ${table} using (tenant_id = ${OWN}) with check (tenant_id = ${OWN});
  create policy tenant_seal_policy on ${table} as restrictive to tenant_user, tenant_admin
    using (tenant_id = ${SEALED}) with check (tenant_id = ${SEALED});
  grant select, insert, update on ${table} to tenant_user, tenant_admin;
  grant delete on ${table} to tenant_admin;`,
    )
    .join('')}`

export async function openStage(orm: OrmUnderTest): Promise<Stage> {
  const database = await createTestDatabase()
  await database.admin(TABLES)
  const { wall } = await createTestWall(database, {
    database: { url: database.appUrl, acrossTenantsUrl: database.acrossUrl, max: CONNECTIONS },
  })
  const events: SecurityEvent[] = []
  wall.events.on('*', (event) => void events.push(event))
  const a = await plant(database, 3)
  const b = await plant(database, 5)
  const opened = await orm.open(wall)
  afterFile(async () => {
    await opened.close()
  })
  const stage: Stage = {
    database,
    wall,
    orm: opened,
    a,
    b,
    events,
    privilegeCode: orm.privilegeCode ?? 'PARTYWALL_PERMISSION_DENIED',
    keepsBroken: orm.keepsBroken ?? false,
    as: (side, fn, roles = ['owner']) =>
      runInTenantFrame({ tenantId: side.tenant.id, userId: side.tenant.userId, roles }, { events: wall.events }, fn),
    async answer(side, work) {
      return stage.as(side, async () => {
        try {
          await work()
        } catch (error) {
          const { status, body } = failureProblem(error, undefined)
          return { status, code: body['code'] }
        }
        return { status: 200, code: undefined }
      })
    },
    book: (side, changes = {}) => ({ title: `made ${randomUUID()}`, writer: side.tenant.id, ...changes }),
    async titled(title) {
      const { rows } = await database.admin(
        'select tenant_id, count(*)::int as n from books where title = $1 group by 1',
        [title],
      )
      return Object.fromEntries(rows.map((row) => [row.tenant_id, row.n]))
    },
  }
  return stage
}

async function plant(database: TestDatabase, fixed: number): Promise<Side> {
  const tenant = await createTestTenant(database)
  const shelf = await database.admin(
    "insert into shelves (tenant_id, writer, label) values ($1, $1, 'fixed') returning id",
    [tenant.id],
  )
  const shelfId = String(shelf.rows[0]?.id)
  const books = await database.admin(
    "insert into books (tenant_id, writer, title, n, shelf_id) select $1, $1, 'fixed ' || g, -1, $2 from generate_series(1, $3) g returning id",
    [tenant.id, shelfId, fixed],
  )
  return { tenant, fixed, shelfId, bookId: String(books.rows[0]?.id) }
}

/** Removes what the behaviours made, and sets the fixed books back. */
export async function tidy({ database }: Stage): Promise<void> {
  await database.admin("delete from books where title not like 'fixed %'; update books set n = -1 where n <> -1")
}
