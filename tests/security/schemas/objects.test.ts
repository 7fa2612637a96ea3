// Objects that one tenant, a lookup schema or a migration leaves in the way of another tenant's statements: temporary tables, functions,
// operators, views, prepared statements, cursors and COPY.
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../../src/context/run-with-tenant.ts'
import { createTenantPool, type TenantPool } from '../../../src/database/pool/create-tenant-pool.ts'
import type { TenantPoolOptions } from '../../../src/database/settings/options.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { moveTenant } from '../../../src/migrate/move-tenant/move-tenant.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'
import {
  contextOf,
  createPlacedTenant,
  exampleSchemaSql,
  newSchemaName,
  type PlacedTenant,
} from '../../setup/tenant-schemas.ts'

let database: TestDatabase
let shared: TestTenant
let acme: PlacedTenant
let globex: PlacedTenant
let pool: TenantPool

beforeAll(async () => {
  database = await createTestDatabase()
  shared = await createTestTenant(database)
  acme = await createPlacedTenant(database)
  globex = await createPlacedTenant(database)
  await database.admin('create schema lookups; grant usage on schema lookups to tenant_user, tenant_admin')
  pool = open()
  afterFile(() => pool.end())
})

/** One connection, so that each tenant meets what the one before left there. It allows the commands that leave something. */
function open(options: Partial<TenantPoolOptions> = {}): TenantPool {
  return createTenantPool({
    connectionString: database.appUrl,
    max: 1,
    seal: { secret: database.sealSecret },
    roles: { tenant_admin: ['owner'] },
    lookupSchemas: ['lookups'],
    allowStatements: ['CREATE', 'PREPARE', 'EXECUTE', 'DEALLOCATE', 'DECLARE', 'FETCH', 'SET', 'COPY', 'DO'],
    logger: silentLogger,
    ...options,
  })
}

const as = <T>(tenant: TestTenant, fn: () => Promise<T>): Promise<T> => runWithTenant(contextOf(tenant, ['owner']), fn)
const ask = (tenant: TestTenant, text: string, on = pool) => as(tenant, () => on.query(text))
const secretOf = (tenant: TestTenant) => `secret of ${tenant.key}`
const bodies = async (tenant: TestTenant, on = pool) =>
  (await ask(tenant, 'select body from documents order by body', on)).rows.map((row) => row.body)
/** The rows or the error of an attack, as text. */
const told = (attempt: Promise<{ readonly rows: unknown }>) =>
  attempt.then(
    ({ rows }) => JSON.stringify(rows),
    (error: Error & { code?: string }) => `${error.code}`,
  )

describe('a temporary table of the name of a tenant’s table', () => {
  beforeAll(async () => {
    await database.admin(`grant temporary on database ${database.name} to public`)
    return async () => {
      await database.admin(`revoke temporary on database ${database.name} from public`)
    }
  })

  it('catches no row of a tenant with a schema or of shared tables', async () => {
    const trap = 'create temp table documents (tenant_id uuid, title text, body text)'
    for (const tenant of [acme, globex, shared]) {
      for (const attacker of [acme, shared]) {
        expect(await told(ask(attacker, trap))).toBe('[]')
        expect(await bodies(tenant)).toEqual([secretOf(tenant)])
        await ask(tenant, `insert into documents (title, body) values ('caught?', '${secretOf(tenant)}')`)
        const place = contextOf(tenant).placement?.schema ?? 'public'
        const { rows } = await database.admin(`delete from ${place}.documents where title = 'caught?' returning 1`)
        expect(rows).toHaveLength(1)
      }
    }
  })

  it('comes after the tenant’s own table in the transaction that made it', async () => {
    await as(acme, () =>
      pool.transaction(async (transaction) => {
        await transaction.query("create temp table documents as select 'trap'::text as body")
        expect((await transaction.query('select body from documents')).rows).toEqual([{ body: secretOf(acme) }])
        throw new Error('rolled back')
      }),
    ).catch((error: Error) => expect(error.message).toBe('rolled back'))
  })
})

describe('a lookup schema', () => {
  it('takes no object from a tenant, and neither does the tenant’s own schema', async () => {
    for (const schema of ['lookups', acme.schema, globex.schema, 'public'])
      for (const what of [
        `create table ${schema}.documents2 (id int)`,
        `create function ${schema}.now() returns timestamptz language sql as 'select null::timestamptz'`,
        `create view ${schema}.v as select 1`,
      ])
        expect(await told(ask(acme, what))).toBe('42501')
  })

  it('can hold functions for all: each reads the caller’s own place, and one that names a schema shows others nothing', async () => {
    await database.admin(
      `create function lookups.mine() returns setof text language plpgsql as $$ begin return query select body from documents; end $$;
       create function lookups.pinned() returns setof text language sql as 'select body from ${globex.schema}.documents';
       create function lookups.owned() returns setof text language sql security definer set search_path = ${globex.schema}, pg_temp as 'select body from documents';
       alter function lookups.owned() owner to app_owner;
       grant execute on all functions in schema lookups to tenant_user, tenant_admin`,
    )
    for (let round = 0; round < 3; round++) {
      for (const tenant of [acme, globex])
        expect((await ask(tenant, 'select * from mine()')).rows).toEqual([{ mine: secretOf(tenant) }])
      for (const tenant of [acme, shared]) {
        expect((await ask(tenant, 'select * from lookups.pinned()')).rows).toEqual([])
        expect((await ask(tenant, 'select * from lookups.owned()')).rows).toEqual([])
      }
    }
    await database.admin('drop function lookups.mine(), lookups.pinned(), lookups.owned()')
  })

  it('changes no policy by functions and operators of the names that policies use, also if the migration has it in its path', async () => {
    await database.admin(
      `create function lookups.yes(text, text) returns boolean language sql immutable as 'select true';
       create operator lookups.= (leftarg = text, rightarg = text, function = lookups.yes);
       create function lookups.sha256(bytea) returns bytea language sql immutable as $$ select '\\x00'::bytea $$;
       create function lookups.encode(bytea, text) returns text language sql immutable as $$ select 'same' $$;
       create function lookups.current_setting(text, boolean) returns text language sql stable as $$ select 'same' $$`,
    )
    const tenant = await createTestTenant(database)
    const schema = newSchemaName()
    await database.admin(exampleSchemaSql(schema))
    await database.admin(
      `set search_path = lookups, pg_catalog, public; call partywall.install_schema('${schema}', '${tenant.id}'); reset search_path`,
    )
    await database.admin(
      `insert into ${schema}.users (tenant_id, id, email, name) values ('${tenant.id}', '${tenant.userId}', 'a@example.com', 'a');
       insert into ${schema}.documents (tenant_id, title, body) values ('${tenant.id}', 't', 'planted')`,
    )
    for (const other of [acme, shared])
      for (const path of ['lookups, pg_catalog', `lookups, ${schema}, pg_catalog`]) {
        const attempt = `select set_config('search_path', '${path}', true), query_to_xml('select body from ${schema}.documents', true, false, '')::text as x`
        expect(await told(ask(other, attempt))).not.toContain('planted')
        expect(await told(ask(other, `select body from ${schema}.documents`))).toBe('[]')
      }
    const { rows } = await runWithTenant({ ...contextOf(tenant), placement: { schema } }, () =>
      pool.query('select body from documents'),
    )
    expect(rows).toEqual([{ body: 'planted' }])
    await database.admin(
      'drop operator lookups.= (text, text); drop function lookups.yes(text, text), lookups.sha256(bytea), lookups.encode(bytea, text), lookups.current_setting(text, boolean)',
    )
  })
})

describe('a path that SQL of a tenant sets', () => {
  it('in a transaction of a tenant of shared tables leads to no row of a schema, and to no write there', async () => {
    for (const set of [
      `set local search_path = ${globex.schema}`,
      `select set_config('search_path', '${globex.schema}', true)`,
      `do $$ begin set local search_path = ${globex.schema}; end $$`,
    ]) {
      await as(shared, () =>
        pool.transaction(async (transaction) => {
          await transaction.query(set)
          expect((await transaction.query('select body from documents')).rows).toEqual([])
          expect((await transaction.query("update documents set title = 'x'")).rowCount).toBe(0)
          await transaction.query("insert into documents (title) values ('planted')")
        }),
      ).then(
        () => expect.unreachable('the INSERT was refused'),
        (error: { code?: string }) => expect(error.code).toBe('42501'),
      )
    }
    expect(
      (await database.admin(`select from ${globex.schema}.documents where title <> 'First document'`)).rowCount,
    ).toBe(0)
    expect(await bodies(globex)).toEqual([secretOf(globex)])
  })
})

describe('a view in a tenant’s schema that a migration granted by mistake', () => {
  it('shows no row to other tenants, whether it runs as its owner or as the caller', async () => {
    const { schema } = globex
    await database.admin(
      `create view ${schema}.as_caller with (security_invoker) as select body from ${schema}.documents;
       create view ${schema}.as_owner as select body from ${schema}.documents; alter view ${schema}.as_owner owner to app_owner;
       grant select on ${schema}.as_caller, ${schema}.as_owner to tenant_user, tenant_admin`,
    )
    for (const tenant of [acme, shared])
      for (const view of ['as_caller', 'as_owner'])
        expect((await ask(tenant, `select * from ${schema}.${view}`)).rows).toEqual([])
    expect((await ask(globex, 'select * from as_caller')).rows).toEqual([{ body: secretOf(globex) }])
    // The owner is bound by the plain setting alone. The caller's own view is bound by the seal.
    const forged = `select set_config('app.current_tenant_id', '${globex.id}', true), query_to_xml('select * from ${schema}.as_caller', true, false, '')::text as x`
    expect(await told(ask(acme, forged))).not.toContain(secretOf(globex))
    // install_schema() takes the grants back.
    await database.admin('call partywall.install_schema($1, $2)', [schema, globex.id])
    for (const view of ['as_caller', 'as_owner'])
      expect(await told(ask(acme, `select * from ${schema}.${view}`))).toBe('42501')
    await database.admin(`drop view ${schema}.as_caller, ${schema}.as_owner`)
  })
})

describe('what a tenant leaves on the connection', () => {
  it('is no prepared statement for another tenant', async () => {
    for (const attacker of [acme, shared]) {
      expect(await told(ask(attacker, 'prepare mine as select body from documents'))).toBe('[]')
      for (const victim of [globex, shared, acme].filter((tenant) => tenant !== attacker))
        expect(await told(ask(victim, 'execute mine'))).toBe('26000')
    }
  })

  it('is no prepared statement under the name that another placement’s statement has', async () => {
    const query = { text: 'select body from documents where title = $1', values: ['First document'], prepare: true }
    for (const tenant of [acme, globex, shared])
      expect((await as(tenant, () => pool.query(query))).rows).toEqual([{ body: secretOf(tenant) }])
    const { rows } = await ask(
      acme,
      "select name from pg_prepared_statements where statement like 'select body from documents where%'",
    )
    expect(rows).toHaveLength(3)
    await as(acme, async () => {
      const client = await pool.connect()
      try {
        for (const { name } of rows) {
          await client.query(`deallocate "${name}"`)
          await client.query(
            `prepare "${name}" (text) as select body from ${acme.schema}.documents where $1 is not null`,
          )
        }
      } finally {
        client.release()
      }
    })
    for (const tenant of [acme, globex, shared])
      expect((await as(tenant, () => pool.query(query))).rows).toEqual([{ body: secretOf(tenant) }])
  })

  it('is no cursor WITH HOLD for another tenant', async () => {
    for (const attacker of [acme, shared]) {
      await as(attacker, () =>
        pool.transaction((transaction) =>
          transaction.query('declare held cursor with hold for select body from documents'),
        ),
      )
      for (const victim of [globex, shared, acme].filter((tenant) => tenant !== attacker))
        expect(await told(ask(victim, 'fetch all from held'))).toBe('34000')
    }
  })
})

describe('COPY', () => {
  it('writes no row into another tenant’s schema, and is refused as a statement', async () => {
    await expect(
      as(acme, () => pool.copyInto(`${globex.schema}.documents`, [{ title: 'planted' }])),
    ).rejects.toMatchObject({ code: '42501' })
    await expect(
      as(shared, () => pool.copyInto(`${globex.schema}.documents`, [{ title: 'planted' }])),
    ).rejects.toMatchObject({ code: '42501' })
    expect(await told(ask(acme, `copy ${globex.schema}.documents from stdin`))).toBe('PARTYWALL_STATEMENT_REFUSED')
    expect((await database.admin(`select from ${globex.schema}.documents where title = 'planted'`)).rowCount).toBe(0)
  })

  it('shows no row of another tenant’s schema', async () => {
    const copied = (tenant: TestTenant, table: string) =>
      as(tenant, async () => {
        const client = await pool.connect()
        const seen: string[] = []
        const keep = (message: { readonly chunk: Buffer }) => seen.push(message.chunk.toString())
        const connection: NodeJS.EventEmitter = Reflect.get(client, 'connection')
        connection.on('copyData', keep)
        try {
          await client.query(`copy (select body from ${table}) to stdout`)
        } finally {
          connection.off('copyData', keep)
          client.release()
        }
        return seen
      })
    expect(await copied(acme, 'documents')).toEqual([`${secretOf(acme)}\n`])
    for (const tenant of [acme, shared]) expect(await copied(tenant, `${globex.schema}.documents`)).toEqual([])
  })
})

describe('a cursor that is open while its tenant moves', () => {
  it('is read to its end in the old place, and the move waits for it', async () => {
    const tenant = await createTestTenant(database)
    const schema = newSchemaName()
    await database.admin(exampleSchemaSql(schema))
    await database.admin('call partywall.install_schema($1, $2, place => false)', [schema, tenant.id])
    for (let n = 0; n < 20; n++) await ask(tenant, `insert into documents (title) values ('t${n}')`)
    const own = open({ max: 2, allowStatements: ['DECLARE', 'FETCH'] })
    const steps: string[] = []
    const read = await as(tenant, () =>
      own.transaction(async (transaction) => {
        await transaction.query('declare rest cursor for select tenant_id from documents')
        const first = await transaction.query('fetch 5 from rest')
        const moving = moveTenant({
          databaseUrl: database.adminUrl,
          tenant: tenant.id,
          schema,
          to: 'schema',
          onProgress: (step) => steps.push(step),
        })
        await expect.poll(() => steps).toContain('the tenant is refused from now on')
        const rest = await transaction.query('fetch all from rest')
        steps.push('read')
        return { rows: [...first.rows, ...rest.rows], moving: [moving] }
      }),
    )
    await Promise.all(read.moving)
    expect(read.rows).toEqual(Array.from({ length: 21 }, () => ({ tenant_id: tenant.id })))
    expect(steps.indexOf('read')).toBeLessThan(steps.indexOf('no other transaction uses the old place'))
    const placed = { ...contextOf(tenant), placement: { schema } }
    expect((await runWithTenant(placed, () => own.query('select from documents'))).rowCount).toBe(21)
    expect(await told(ask(tenant, 'fetch all from rest', own))).not.toContain(tenant.id)
    await own.end()
  })
})
