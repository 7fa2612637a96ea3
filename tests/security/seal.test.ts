// Injected SQL against the seal. The attacker is A, with any SELECT, INSERT, UPDATE or DELETE of its own; what it wants is B's.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { TenantPool } from '../../src/database/pool/create-tenant-pool.ts'
import { SealMaker } from '../../src/seal/seal.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants
let pool: TenantPool
let unsealed: TenantPool

beforeAll(async () => {
  two = await createTwoTenants()
  pool = two.pool()
  // The same data behind the plain policy alone: what the seal adds shows only where it is missing.
  await two.database.admin('create schema unsealed')
  await two.database.admin('grant usage on schema unsealed to tenant_user')
  await two.database.admin('create table unsealed.plain_documents as select * from documents')
  await two.database.admin('alter table unsealed.plain_documents enable row level security')
  await two.database.admin('alter table unsealed.plain_documents force row level security')
  await two.database.admin(
    "create policy tenant_isolation_policy on unsealed.plain_documents using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))",
  )
  await two.database.admin(
    'grant select, insert, update, delete on unsealed.plain_documents to tenant_user, tenant_admin',
  )
  unsealed = two.pool({ seal: false })
  afterFile(() => Promise.all([pool.end(), unsealed.end()]).then(() => {}))
})

const asA = (text: string, values: unknown[] = []) => two.as(two.a, () => pool.query(text, values))
const secretOfB = () => `secret of ${two.b.key}`
const setTenant = (local: boolean) => `set_config('app.current_tenant_id', '${two.b.id}', ${local})`
const setSeal = (seal: string) => `set_config('app.tenant_seal', '${seal}', true)`

/** Runs an attack and gives everything that came back, rows or error, as one text. */
async function loot(text: string, from: TenantPool = pool): Promise<string> {
  const found = await two
    .as(two.a, () => from.query(text))
    .then(
      (result) => result.rows,
      (error: Error) => error.message,
    )
  return JSON.stringify(found)
}

const attacks: readonly [name: string, sql: (table: string) => string][] = [
  [
    'set_config and query_to_xml in one SELECT',
    (t) => `select ${setTenant(true)}, query_to_xml('select body from ${t}', true, false, '')`,
  ],
  [
    'set_config and query_to_xml_and_xmlschema',
    (t) => `select ${setTenant(true)}, query_to_xml_and_xmlschema('select body from ${t}', true, false, '')`,
  ],
  ['set_config and table_to_xml', (t) => `select ${setTenant(true)}, table_to_xml('${t}', true, false, '')`],
  ['set_config and schema_to_xml', () => `select ${setTenant(true)}, schema_to_xml('public', true, false, '')`],
  [
    'a materialized CTE before the scan',
    (t) => `with s as materialized (select ${setTenant(true)}) select body from s, ${t}`,
  ],
  [
    'a CTE behind the scan',
    (t) =>
      `with d as materialized (select body from ${t}), s as materialized (select ${setTenant(true)} from d) select body from s, ${t}`,
  ],
  [
    'a LATERAL between two scans',
    (t) =>
      `select x.body from ${t} d, lateral (select ${setTenant(true)} where d.id is not null) s, lateral (select body from ${t} where s.set_config is not null) x`,
  ],
  ['a session-wide setting', (t) => `select ${setTenant(false)}, (select string_agg(body, '') from ${t})`],
  ['a set_config in the WHERE clause', (t) => `select body from ${t} where ${setTenant(true)} is not null`],
  [
    'a set_config in ORDER BY and a sub-select',
    (t) => `select (select string_agg(body, ',') from ${t}) from (select ${setTenant(true)} offset 0) s`,
  ],
]

describe('one SELECT', () => {
  it.each(attacks)('shows nothing of another tenant: %s', async (_name, sql) => {
    expect(await loot(sql('documents'))).not.toContain(secretOfB())
    const own = await asA('select body from documents')
    expect(own.rows).toEqual([{ body: `secret of ${two.a.key}` }])
  })

  it('is enough on an unsealed table: these attacks are real', async () => {
    const [first] = attacks
    expect(await loot(first?.[1]('unsealed.plain_documents') ?? '', unsealed)).toContain(secretOfB())
  })
})

describe('a write', () => {
  it('can’t plant a row at another tenant', async () => {
    const insert = `insert into documents (tenant_id, title) select '${two.b.id}', ${setTenant(true)} returning body`
    await expect(asA(insert)).rejects.toMatchObject({ code: '42501' })
    const values = `insert into documents (tenant_id, title) values ('${two.a.id}', ${setTenant(true)}), ('${two.b.id}', 'planted')`
    await expect(asA(values)).rejects.toMatchObject({ code: '42501' })
    const { rows } = await two.database.admin('select count(*)::int as n from documents where tenant_id = $1', [
      two.b.id,
    ])
    expect(rows).toEqual([{ n: 1 }])
  })

  it('shows nothing through RETURNING', async () => {
    const text = `insert into documents (title) values ('r') returning ${setTenant(true)}, (select string_agg(body, '') from documents) as all_bodies`
    expect(await loot(text)).not.toContain(secretOfB())
    await two.database.admin("delete from documents where title = 'r'")
  })

  it('can’t move or change a row of another tenant', async () => {
    await asA(
      `update documents set title = 'taken' where ${setTenant(true)} is not null and id = '${two.b.documentId}'`,
    )
    await expect(asA(`update documents set tenant_id = '${two.b.id}'`)).rejects.toMatchObject({ code: '42501' })
    const { rows } = await two.database.admin('select title from documents where id = $1', [two.b.documentId])
    expect(rows).toEqual([{ title: 'First document' }])
  })
})

describe('the seal itself', () => {
  const maker = () => new SealMaker(two.database.sealSecret)
  const subject = (tenantId: string) =>
    ({ tenantId, userId: 'u', actor: '', level: 'tenant_user', readOnly: false }) as const
  const soon = () => Math.floor(Date.now() / 1000) + 60

  /** What a seal shows on a connection where anything may be set: the app's login, past the pool. */
  async function readWith(
    seal: (pid: number) => string,
    setting = two.b.id,
    text = 'select body from documents',
  ): Promise<unknown> {
    const client = new pg.Client({ connectionString: two.database.appUrl })
    await client.connect()
    try {
      const { rows } = await client.query('select pg_backend_pid() as pid')
      await client.query('begin')
      await client.query(
        "select set_config('role', 'tenant_user', true), set_config('app.current_tenant_id', $1, true), set_config('app.tenant_seal', $2, true)",
        [setting, seal(rows[0].pid)],
      )
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }
  const place = (backendPid: number | undefined, database = two.database.name) => ({ database, backendPid })

  it('shows its tenant where everything is right (the control)', async () => {
    const rows = await readWith((pid) => maker().seal(subject(two.b.id), place(pid), soon()))
    expect(rows).toEqual([{ body: secretOfB() }])
  })

  it('is an error, never silence, on another connection, in another database, behind its end, and for another key', async () => {
    const refused = { code: '42501', message: expect.stringMatching(/^partywall: /) }
    const b = subject(two.b.id)
    await expect(readWith((pid) => maker().seal(b, place(pid + 1), soon()))).rejects.toMatchObject(refused)
    await expect(readWith((pid) => maker().seal(b, place(pid, 'other'), soon()))).rejects.toMatchObject(refused)
    await expect(readWith((pid) => maker().seal(b, place(pid), soon() - 3600))).rejects.toMatchObject(refused)
    const other = new SealMaker('another secret of more than 32 characters')
    await expect(readWith((pid) => other.seal(b, place(pid), soon()))).rejects.toMatchObject(refused)
  })

  it('does not bear a change of any character', async () => {
    let seal = ''
    await readWith((pid) => {
      seal = maker().seal(subject(two.b.id), place(pid), soon())
      return seal
    })
    for (let index = 0; index < seal.length; index += 5) {
      const changed = (pid: number) => {
        const fresh = maker().seal(subject(two.b.id), place(pid), soon())
        const character = fresh[index] === '1' ? '2' : '1'
        return fresh.slice(0, index) + character + fresh.slice(index + 1)
      }
      await expect(readWith(changed), `character ${index}`).rejects.toMatchObject({
        code: expect.stringMatching(/^(42501|22)/),
      })
    }
  })

  it.each([
    '',
    'x',
    'v1',
    '0'.repeat(64),
    `${'0'.repeat(64)}v1`,
    'z'.repeat(300),
    `${'0'.repeat(64)}v2${'0'.repeat(60)}`,
  ])('is nothing or an error when it is garbage: %s', async (garbage) => {
    const found = await readWith(() => garbage).catch((error: { code: string }) => error.code)
    expect([[], '42501', '22023', '22P02', '22003', '22008']).toContainEqual(found)
  })

  it('binds the user, the actor and the level: a text can’t pass for another by where it is cut', async () => {
    const at = soon()
    const one = maker().seal({ ...subject('ab'), userId: 'c' }, place(1), at)
    const two2 = maker().seal({ ...subject('a'), userId: 'bc' }, place(1), at)
    const three = maker().seal({ ...subject('ab'), userId: '', actor: 'c' }, place(1), at)
    expect(new Set([one, two2, three].map((seal) => seal.slice(0, 64))).size).toBe(3)
  })

  it('names user, actor and level to the database, also in letters beyond the first plane', async () => {
    const context = {
      tenantId: 'tenänt-🏢',
      userId: 'usér-👩‍💻',
      roles: ['owner'],
      actor: { id: 'staff-✓', type: 'staff' as const },
    }
    const { rows } = await runWithTenant(context, () =>
      pool.query(
        "select partywall.tenant_id() t, partywall.user_id() u, partywall.actor_id() a, partywall.role_at_least('tenant_admin') l",
      ),
    )
    expect(rows).toEqual([{ t: 'tenänt-🏢', u: 'usér-👩‍💻', a: 'staff-✓', l: true }])
  })

  it('of A, read by injected SQL, opens nothing but A', async () => {
    const { rows } = await asA("select current_setting('app.tenant_seal') as seal")
    const stolen: string = rows[0].seal
    expect(
      await loot(
        `select ${setTenant(true)}, ${setSeal(stolen)}, query_to_xml('select body from documents', true, false, '')`,
      ),
    ).not.toContain(secretOfB())
    // On another connection, its ticket opens A's rows and no others, and nobody's name: the rest of the seal is bound to its backend.
    expect(await readWith(() => stolen)).toEqual([])
    expect(await readWith(() => stolen, two.a.id)).toEqual([{ body: `secret of ${two.a.key}` }])
    await expect(readWith(() => stolen, two.a.id, 'select partywall.user_id()')).rejects.toMatchObject({
      code: '42501',
    })
  })

  it('is gone after the statement: nothing of it stays on the connection', async () => {
    await asA('select 1')
    const client = await two.as(two.a, () => pool.connect())
    const left = await Reflect.apply(pg.Client.prototype.query, client, [
      "select current_setting('app.current_tenant_id') as tenant, current_setting('app.tenant_seal') as seal, current_setting('role') as role",
    ])
    expect(left.rows).toEqual([{ tenant: '', seal: '', role: 'none' }])
    client.release()
    const { rows } = await two.as(two.b, () =>
      pool.query(
        "select current_setting('app.current_tenant_id') as t, left(current_setting('app.tenant_seal'), 64) as mac",
      ),
    )
    expect(rows[0].t).toBe(two.b.id)
    const mine = await asA("select left(current_setting('app.tenant_seal'), 64) as mac")
    expect(mine.rows[0].mac).not.toBe(rows[0].mac)
  })

  it('can’t be seen in pg_stat_activity by another session of the application', async () => {
    const second = two.pool()
    const { rows } = await two.as(two.b, () =>
      second.query(
        "select coalesce(string_agg(query, ''), '') as q from pg_stat_activity where pid <> pg_backend_pid()",
      ),
    )
    expect(rows[0].q).not.toMatch(/[0-9a-f]{64}v1/)
    await second.end()
  })

  it('for reading refuses to write', async () => {
    const reading = two.pool({ levelOf: () => 'tenant_user' })
    const seal = (pid: number) => maker().seal({ ...subject(two.b.id), readOnly: true }, place(pid), soon())
    await expect(readWith(seal)).rejects.toMatchObject({ code: '42501' })
    await reading.end()
  })
})

describe('the function', () => {
  it.each([
    ['a domain that shadows uuid', "create domain pg_temp.uuid as text check (value <> '')"],
    ['a temporary function', 'create function pg_temp.sha256(bytea) returns bytea language sql as $$ select $1 $$'],
    ['a temporary table', 'create temp table documents (id int)'],
  ])('can’t be fooled by %s: nothing can be created', async (_name, sql) => {
    await expect(asA(sql)).rejects.toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
    const client = new pg.Client({ connectionString: two.database.appUrl })
    await client.connect()
    await expect(client.query(sql)).rejects.toMatchObject({ code: '42501' })
    await client.end()
  })

  it('does not look into the caller’s path even where temporary objects are allowed', async () => {
    const client = new pg.Client({ connectionString: two.database.adminUrl })
    await client.connect()
    try {
      await client.query(`grant temporary on database ${two.database.name} to tenant_user`)
      await client.query('set role tenant_user')
      await client.query('create table pg_temp.stolen (v text)')
      await client.query(
        'create function pg_temp.leak(v text) returns boolean language plpgsql as $$ begin insert into pg_temp.stolen values (v); return true; end $$',
      )
      for (const type of ['uuid', 'text', 'bytea', 'int4']) {
        await client.query(
          `create domain pg_temp.${type} as pg_catalog.${type} check (pg_temp.leak(value::pg_catalog.text))`,
        )
      }
      await client.query(
        'create function pg_temp.sha256(b pg_catalog.bytea) returns pg_catalog.bytea language plpgsql as $$ begin insert into pg_temp.stolen values (b::pg_catalog.text); return b; end $$',
      )
      await client.query('set search_path = pg_temp, pg_catalog, public')
      const pid = (await client.query('select pg_catalog.pg_backend_pid() as pid')).rows[0].pid
      const seal = new SealMaker(two.database.sealSecret).seal(
        { tenantId: two.a.id, userId: 'u', actor: '', level: 'tenant_user', readOnly: false },
        { database: two.database.name, backendPid: pid },
        Math.floor(Date.now() / 1000) + 60,
      )
      await client.query('begin')
      await client.query("select pg_catalog.set_config('app.tenant_seal', $1, true)", [seal])
      expect((await client.query('select partywall.tenant_id() as t')).rows).toEqual([{ t: two.a.id }])
      expect((await client.query('select * from pg_temp.stolen')).rows).toEqual([])
    } finally {
      await client.end()
      await two.database.admin(`revoke temporary on database ${two.database.name} from tenant_user`)
    }
  })

  it('keeps the key from everybody', async () => {
    for (const sql of [
      'select * from partywall.seal_keys',
      'select key_id from partywall.seal_keys',
      'select partywall.sealed_body()',
    ]) {
      await expect(asA(sql)).rejects.toMatchObject({ code: '42501' })
    }
    const { rows } = await two.database.admin(
      "select count(*)::int as n from pg_publication_tables where schemaname = 'partywall'",
    )
    expect(rows).toEqual([{ n: 0 }])
  })
})
