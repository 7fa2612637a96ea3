// SELECT … INTO is a CREATE TABLE whose tag is SELECT: it must be known by its text, however that is written.
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { statementCommand, statementKind } from '../../src/database/statement/statement-kind.ts'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

const creates = [
  'select 1 into t',
  'SELECT title INTO TEMP loot FROM documents',
  'select title into temporary loot from documents',
  'select title into unlogged loot from documents',
  'select title into table loot from documents',
  'select title/**/into/**/temp/* x */loot from documents',
  'select title -- into\n into temp loot from documents',
  '/* a */ select title into temp loot from documents',
  '(select title into temp loot from documents)',
  '((select title into temp loot from documents))',
  'select title into temp loot from documents union select title from documents',
  'with d as (select title from documents) select title into temp loot from d',
  'with recursive d as (select title from documents) select title into temp loot from d',
  'with d as (insert into documents (title) values ($$x$$) returning title) select title into temp loot from d',
  'with insert as (select title from documents) select title into temp loot from insert',
  'with d (insert) as (select title from documents) select insert into temp loot from d',
  'with d as not materialized (select 1 as a) select a into temp loot from d',
  'explain analyze select title into temp loot from documents',
  'explain (analyze, verbose) select title into temp loot from documents',
  'explain (analyze) with d as (insert into documents (title) values ($$x$$) returning title) select title into temp loot from d',
  'explain analyze with d as (select 1 as a) select a into temp loot from d',
  // Labels that look like the beginning of an INSERT.
  'select insert into temp loot from (select 1 as insert) x',
  'select x.insert into temp loot from (select 1 as insert) x',
  'select (1) insert into temp loot',
  'with d as (select 1 as a) select (a) insert into temp loot from d',
  'select 1 as insert into temp loot',
  'select 1 as as into temp loot',
  'select x.as into temp loot from (select 1 as as) x',
  'select 1 as into into temp loot',
  // Text that hides it from a reader who takes quotes for granted.
  "select '\\' || ' into temp loot --'",
  "select E'\\'' into temp loot --'",
  "select 'it''s' into temp loot",
  'select $a$ into $a$ into temp loot',
  "select U&'\\0061' into temp loot",
  'select "into" into temp loot from (select 1 as "into") x',
  'select 1 as "a""b" into temp loot',
  'select 1into temp loot',
  'select $1into temp loot',
]

const harmless = [
  'insert into documents (title) values ($1)',
  '/* x */ insert into documents (title) values ($1)',
  'merge into documents d using (select 1) s on false when matched then do nothing',
  'with d as (select 1) insert into documents (title) select * from d',
  'with d as (select 1), e (a, b) as materialized (select 1, 2) merge into documents using e on false when matched then do nothing',
  'with d as (insert into documents (title) values ($1) returning *) select * from d',
  'with d as (with e as (select 1) insert into documents select * from e returning *) select * from d',
  'with a as (insert into documents (title) values ($1) returning *), b as (insert into users (name) values ($2)) select * from a',
  'explain insert into documents (title) values ($1)',
  'explain (analyze) insert into documents (title) values ($1)',
  'explain analyze with d as (select 1) insert into documents select * from d',
  "select 'into'",
  "select 'it''s into'",
  'select $$ into $$',
  'select $a$ $$ into $$ $a$',
  'select 1 as into',
  'select x.into from (select 1 as into) x',
  'select "into" from (select 1 as "into") x',
  'select 1 -- into\n',
  'select /* into */ 1',
  'select into_date, pinto from documents',
  'select 1 as "x into y"',
  "select U&'into \\0061', N'into', B'0', X'0'",
]

describe('SELECT … INTO', () => {
  it.each(creates)('is a CREATE: %s', (text) => {
    expect(statementKind(text)).toBe('other')
    expect(statementCommand(text)).toBe('CREATE')
  })

  it.each(harmless)('is not in: %s', (text) =>
    expect(statementKind(text)).toBe(text.startsWith('explain') ? 'explain' : 'data'),
  )

  it.each([
    'set local u&"r\\006fle" = \'tenant_admin\'',
    "SET LOCAL U&\"r!006fle\" UESCAPE '!' = 'tenant_admin'",
    'set local U&"app"."current_tenant_id" = \'x\'',
    "set local app . current_tenant_id = 'x'",
    "set local app/* */.tenant_seal = 'x'",
    "set local partywall . anything to 'x'",
    'set local role tenant_admin',
    'set local role = tenant_admin',
    'set local session authorization x',
    'set local session_authorization = x',
    'set local r\u00f6le = x',
    'set local',
    'set local = 1',
  ])('a name that is not read for certain is not set: %s', (text) => expect(statementKind(text)).toBe('other'))

  it.each([
    "set local work_mem = '1MB'",
    "set local Statement_Timeout TO '5s'",
    "set local my.setting = 'x'",
    "set local time zone 'UTC'",
    'set local datestyle to iso, dmy',
  ])('plain names are: %s', (text) => expect(statementKind(text)).toBe('set-local'))

  it('takes linear time', () => {
    const long = ' '.repeat(200_000)
    for (const text of [
      `copy t${long}x`,
      `select 1${long}into`,
      `set local a${long}b`,
      `copy (${'('.repeat(99_999)}`,
    ]) {
      const from = performance.now()
      statementKind(text)
      expect(performance.now() - from).toBeLessThan(1_000)
    }
  })
})

describe('on a database where TEMP is granted', () => {
  let two: TwoTenants

  beforeAll(async () => {
    two = await createTwoTenants()
    await two.database.admin(`grant temporary on database ${two.database.name} to tenant_user`)
  })

  it('each is refused before it is sent, with the cure', async () => {
    const pool = two.pool()
    for (const text of creates) {
      const error: unknown = await two.as(two.a, () => pool.query(text).catch((problem: unknown) => problem))
      expect(error).toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
        message: expect.stringContaining('creates a table'),
      })
    }
    await pool.end()
  })

  it('the server makes a table of most of them, and of no harmless one', async () => {
    const client = new pg.Client(two.database.adminUrl)
    await client.connect()
    const made = async (text: string): Promise<boolean> => {
      let found = false
      for (const strings of ['on', 'off']) {
        await client.query('begin')
        await client.query(`set local standard_conforming_strings = ${strings}`)
        const values = (text.match(/\$\d/g) ?? []).map((_, place) => `value ${place}`)
        const ran = await client.query({ text, values, queryMode: 'extended' } as pg.QueryConfig).catch(() => undefined)
        if (ran !== undefined) {
          const { rows } = await client.query("select from pg_class where relname in ('loot', 't') and relkind = 'r'")
          found ||= rows.length > 0
        }
        await client.query('rollback')
      }
      return found
    }
    const real: string[] = []
    for (const text of creates) if (await made(text)) real.push(text)
    expect(real.length).toBeGreaterThan(25)
    for (const text of harmless) expect({ text, made: await made(text) }).toEqual({ text, made: false })
    await client.end()
  })
})
