import { beforeAll, describe, expect, it } from 'vitest'
import { createAccessControl } from '../../src/access/access-control.ts'
import { tenantRoleTable } from '../../src/access/role-table.ts'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import type { Partywall } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import { createTestWall } from '../setup/wall.ts'

const access = createAccessControl({
  roles: {
    owner: ['*'],
    cleaner: ['documents:read', 'documents:delete'],
    member: ['documents:read', 'documents:create', 'documents:update'],
  },
  levels: { tenant_admin: ['documents:delete'] },
  logger: silentLogger,
})

const mayDelete = { owner: true, cleaner: true, member: false, ghost: false }

let database: TestDatabase
let wall: Partywall
let a: TestTenant
let b: TestTenant

beforeAll(async () => {
  database = await createTestDatabase()
  // DO is let through here, so that it is the database that has to refuse.
  const { appUrl, acrossUrl } = database
  ;({ wall } = await createTestWall(database, {
    database: { url: appUrl, acrossTenantsUrl: acrossUrl, max: 4, levelOf: access.levelOf, allowStatements: ['DO'] },
  }))
  a = await createTestTenant(database)
  b = await createTestTenant(database)
})

function as<T>(tenant: TestTenant, roles: readonly string[], fn: () => T, permissions?: readonly string[]): T {
  return runWithTenant({ tenantId: tenant.id, userId: tenant.userId, roles, permissions }, fn)
}

async function plantDocument(): Promise<string> {
  const { rows } = await database.admin(
    "insert into public.documents (tenant_id, title) values ($1, 'to be deleted') returning id",
    [a.id],
  )
  return String(rows[0].id)
}

async function exists(id: string): Promise<boolean> {
  const { rowCount } = await database.admin('select 1 from public.documents where id = $1', [id])
  return rowCount === 1
}

describe('the database role that follows from permissions', () => {
  it.each(Object.entries(mayDelete))('lets raw SQL of the role %s delete: %s', async (role, may) => {
    const id = await plantDocument()
    const deleting = as(a, [role], () => wall.pool.query('delete from documents where id = $1', [id]))
    if (may) await deleting
    else await expect(deleting).rejects.toMatchObject({ code: '42501' })
    expect(await exists(id)).toBe(!may)
  })

  it('lets every role read and update inside its tenant and nothing outside', async () => {
    for (const role of Object.keys(mayDelete)) {
      const { rows } = await as(a, [role], () => wall.pool.query('select tenant_id from documents'))
      expect(new Set(rows.map((row) => row.tenant_id))).toEqual(new Set([a.id]))
      const update = () => wall.pool.query("update documents set title = 'taken' where id = $1", [b.documentId])
      expect((await as(a, [role], update)).rowCount).toBe(0)
    }
  })

  it('falls when the token narrows the permission away', async () => {
    const id = await plantDocument()
    const deleting = as(a, ['owner'], () => wall.pool.query('delete from documents where id = $1', [id]), [
      'documents:read',
    ])
    await expect(deleting).rejects.toMatchObject({ code: '42501' })
    expect(await exists(id)).toBe(true)
  })

  const raises: readonly (readonly [string, (id: string) => string])[] = [
    [
      'set_config in the same statement',
      (id) =>
        `with up as (select set_config('role', 'tenant_admin', true)) delete from documents using up where id = '${id}'`,
    ],
    ['a DO block', (id) => `do $$ begin set local role tenant_admin; delete from documents where id = '${id}'; end $$`],
    [
      'a DO block with RESET ROLE',
      (id) => `do $$ begin reset role; set local role tenant_admin; delete from documents where id = '${id}'; end $$`,
    ],
    [
      'a DO block with set_config',
      (id) =>
        `do $$ begin perform set_config('role', 'tenant_admin', true); delete from documents where id = '${id}'; end $$`,
    ],
    [
      'query_to_xml',
      (id) =>
        `select set_config('role', 'tenant_admin', true), query_to_xml('with gone as (delete from documents where id = ''${id}'' returning 1) select * from gone', true, false, '')`,
    ],
  ]

  it.each(raises)('holds when injected SQL raises its role by %s', async (_way, sql) => {
    const id = await plantDocument()
    await as(a, ['member'], () => wall.pool.query(sql(id))).catch(() => {})
    expect(await exists(id)).toBe(true)
  })

  it('holds when a transaction raises its role', async () => {
    const id = await plantDocument()
    const raised = as(a, ['member'], () =>
      wall.pool.transaction(async (client) => {
        await client.query('set local role tenant_admin')
        await client.query('delete from documents where id = $1', [id])
      }),
    )
    await raised.catch(() => {})
    expect(await exists(id)).toBe(true)
    // The same words work for whom the level was sealed: the refusal above came from the level.
    await as(a, ['owner'], () => wall.pool.query('delete from documents where id = $1', [id]))
    expect(await exists(id)).toBe(false)
  })
})

describe('roles that each tenant keeps in a table', () => {
  beforeAll(async () => {
    await database.admin(`
      create table public.tenant_roles (tenant_id uuid not null, role text not null, permissions text[] not null, primary key (tenant_id, role));
      alter table public.tenant_roles enable row level security;
      alter table public.tenant_roles force row level security;
      create policy tenant_isolation_policy on public.tenant_roles
        using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid));
      grant select on public.tenant_roles to tenant_user, tenant_admin;`)
    await database.admin(
      "insert into public.tenant_roles values ($1, 'editor', '{documents:*}'), ($2, 'editor', '{*}')",
      [a.id, b.id],
    )
  })

  it('give what the own tenant’s table says, and nothing for a role that it does not know', async () => {
    const control = createAccessControl({ roles: tenantRoleTable(wall.pool), logger: silentLogger })
    await as(a, ['editor'], async () => {
      await control.load()
      expect(control.can('documents:read')).toBe(true)
      expect(control.can('billing:read')).toBe(false)
    })
    await as(b, ['editor'], async () => {
      await control.load()
      expect(control.can('billing:read')).toBe(true)
    })
    await as(a, ['ghost'], async () => {
      await control.load()
      expect(control.can('documents:read')).toBe(false)
    })
  })

  it('can serve as the level of the same pool without asking themselves in circles', async () => {
    const control = createAccessControl({
      roles: tenantRoleTable({ query: (text, values) => own.pool.query(text, values) }),
      logger: silentLogger,
    })
    const { wall: own } = await createTestWall(database, {
      database: { url: database.appUrl, levelOf: control.levelOf },
    })
    const level = () => own.pool.query('select current_user as level')
    await as(b, ['editor'], async () => expect((await level()).rows).toEqual([{ level: 'tenant_user' }]))
    await as(b, ['editor'], async () => {
      await control.load()
      expect((await level()).rows).toEqual([{ level: 'tenant_admin' }])
    })
  })
})
