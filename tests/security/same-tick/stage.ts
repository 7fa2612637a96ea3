import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import type { Partywall } from '../../../src/partywall.ts'
import { innerErrors } from '../../../src/repository/inner-errors.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import { createTestWall } from '../../setup/wall.ts'

/** What an operation saw, whose rows those are, and what it counted. */
export interface Seen {
  /** Rows in any shape; every tenant id in them must be the caller's. */
  readonly rows?: unknown
  /** How many of the tenant's fixed books it counted. */
  readonly count?: number | bigint | string | null | undefined
  /** Rows of the other tenant that it asked for; must be nothing. */
  readonly foreign?: unknown
}

/** One tenant of the stage. `fixed` books never change; each tenant has another number of them. */
export interface Reader {
  readonly tenant: TestTenant
  readonly other: TestTenant
  readonly fixed: number
  readonly shelfId: string
  readonly bookId: string
  readonly otherBookId: string
}

export type Operation = (reader: Reader) => Promise<Seen>

export interface Stage {
  readonly database: TestDatabase
  readonly wall: Partywall
  /**
   * Starts an operation for both tenants in the same tick, 200 times each, every second time behind a promise that all share.
   *
   * @throws where a row, a count or a write crossed
   */
  startTogether(operation: Operation): Promise<void>
}

const TIMES = 200
/** How many of each tenant start at once. */
const AT_ONCE = 10

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
    writer uuid not null, title text not null, n integer not null default 0, shelf_id uuid,
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
  grant select, insert, update, delete on ${table} to tenant_user, tenant_admin;`,
    )
    .join('')}`

export async function openStage(): Promise<Stage> {
  const database = await createTestDatabase()
  await database.admin(TABLES)
  const { wall } = await createTestWall(database)
  const tenants = [await createTestTenant(database), await createTestTenant(database)] as const
  const planted = await Promise.all(tenants.map((tenant, place) => plant(database, tenant, 3 + 2 * place)))
  const [first, second] = planted
  if (first === undefined || second === undefined) throw new Error('two tenants were planted')
  const a: Reader = { ...first, tenant: tenants[0], other: tenants[1], otherBookId: second.bookId }
  const b: Reader = { ...second, tenant: tenants[1], other: tenants[0], otherBookId: first.bookId }
  return { database, wall, startTogether: (operation) => startTogether(database, [a, b], operation) }
}

async function plant(database: TestDatabase, tenant: TestTenant, fixed: number) {
  const shelf = await database.admin(
    "insert into shelves (tenant_id, writer, label) values ($1, $1, 'fixed') returning id",
    [tenant.id],
  )
  const shelfId = String(shelf.rows[0]?.id)
  const books = await database.admin(
    "insert into books (tenant_id, writer, title, n, shelf_id) select $1, $1, 'fixed ' || g, -1, $2 from generate_series(1, $3) g returning id",
    [tenant.id, shelfId, fixed],
  )
  return { shelfId, bookId: String(books.rows[0]?.id), fixed }
}

async function startTogether(database: TestDatabase, readers: readonly Reader[], operation: Operation): Promise<void> {
  for (let round = 0; round < TIMES / AT_ONCE; round++) {
    let open = () => {}
    const shared = new Promise<void>((resolve) => {
      open = resolve
    })
    const runs = Array.from({ length: AT_ONCE }, () => readers)
      .flat()
      .map((reader) => {
        const { id: tenantId, userId } = reader.tenant
        return runWithTenant({ tenantId, userId, roles: ['owner'] }, async () => {
          if (round % 2 === 1) await shared
          expectOwn(reader, await pastDeadlocks(() => operation(reader)))
        })
      })
    setImmediate(open)
    await Promise.all(runs)
  }
  const crossed = await database.admin(
    'select (select count(*)::int from books where writer <> tenant_id) + (select count(*)::int from shelves where writer <> tenant_id) as n',
  )
  expect(crossed.rows).toEqual([{ n: 0 }])
  await database.admin("delete from books where n <> -1; delete from shelves where label <> 'fixed'")
}

/**
 * Ten statements of one tenant that each update the same rows may lock them in different orders. PostgreSQL then stops one of them with
 * 40P01, and an application sends it again.
 */
async function pastDeadlocks<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof Error) || !innerErrors(error).some(isDeadlock)) throw error
    }
  }
}

/** pg's errors have `code`; Prisma keeps the server's code in `originalCode`. */
const isDeadlock = (error: object): boolean =>
  Reflect.get(error, 'code') === '40P01' || Reflect.get(error, 'originalCode') === '40P01'

function expectOwn(reader: Reader, { rows, count, foreign }: Seen): void {
  expect(rows !== undefined || count !== undefined).toBe(true)
  if (rows !== undefined) expect(tenantsIn(rows)).toEqual(new Set([reader.tenant.id]))
  if (count !== undefined) expect(Number(count)).toBe(reader.fixed)
  expect(tenantsIn(foreign)).toEqual(new Set())
}

/** Every tenant id in a value, under both of its spellings; a row without one is no evidence. */
function tenantsIn(value: unknown): Set<unknown> {
  const found = new Set<unknown>()
  const look = (inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || inner instanceof Date) return
    for (const [name, part] of Object.entries(inner)) {
      if (name === 'tenant_id' || name === 'tenantId') found.add(part)
      else look(part)
    }
  }
  look(value)
  return found
}

/** A title that nobody has. */
export const fresh = (): string => `made ${randomUUID()}`
