// Other ways to a plan than EXPLAIN at the start of a statement: disguises, queries that run text, and settings that print plans.
import { once } from 'node:events'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import { createTwoTenants, type TwoTenants } from '../setup/two-tenants.ts'

let two: TwoTenants

beforeAll(async () => {
  two = await createTwoTenants()
})

const DISGUISES = [
  '\u{feff}explain select 1',
  '\u{a0}explain select 1',
  '\u{2003}explain analyze select 1',
  '\f\v explain select 1',
  '/* a /* b */ */explain/**/analyze select 1',
  '/*/**/*/explain select 1',
  '--\rexplain select 1',
  '--\n--\nexplain select 1',
  ';explain select 1',
  ';;/* */explain select 1',
  '(explain select 1)',
  'eXpLaIn/*x*/(analyze)/*y*/select 1',
  'explain(analyze,verbose)values(1)',
  'explain analyse table users',
  'explain merge into users using users u on false when matched then do nothing',
  'explain (analyze) execute partywall_plan',
  '"explain" select 1',
  'U&"\\0065xplain" select 1',
]

describe('EXPLAIN in disguise', () => {
  it.each(['single', 'pipelined'])('never returns a plan on %s connections', (kind) =>
    two.withPool(kind === 'pipelined' ? { pipelinedConnections: 1 } : {}, async (pool) => {
      for (const text of DISGUISES) {
        const answer = await two.as(two.a, () => pool.query(text)).catch((error: unknown) => error)
        expect(answer, text).toBeInstanceOf(Error)
      }
    }),
  )

  it('is refused as a named statement, as a Submittable, in arrays of rows and behind a semicolon', () =>
    two.withPool({}, async (pool) => {
      const text = 'explain analyze select * from users'
      for (const ask of [
        () => pool.query({ name: 'p1', text }),
        () => pool.query({ text, rowMode: 'array' }),
        () => pool.query('select 1; explain analyze select * from users'),
        () => pool.query({ text: 'select 1; explain select 1', values: [] }),
        () => pool.transaction((tx) => tx.query('declare c no scroll cursor for explain select 1')),
        () => pool.transaction((tx) => tx.query(`copy (explain select 1) to stdout`)),
      ])
        await expect(two.as(two.a, ask)).rejects.toThrow()
      const client = await two.as(two.a, () => pool.connect())
      const [error] = await two.as(two.a, () => once(client.query(new pg.Query(text)), 'error'))
      expect(error).toMatchObject({ code: 'PARTYWALL_STATEMENT_REFUSED' })
      client.release(true)
    }))
})

describe('queries that run text', () => {
  it.each([
    `select * from query_to_xml('explain select 1', true, false, '')`,
    `select * from query_to_xml_and_xmlschema('explain analyze select 1', true, false, '')`,
    `select cursor_to_xml('c', 1, true, false, '')`,
    `select * from ts_stat('explain analyze select 1')`,
    `select ts_rewrite('a'::tsquery, 'explain select 1')`,
  ])('give no plan: %s', (text) =>
    two.withPool({}, async (pool) => {
      const answer = await two.as(two.a, () => pool.query(text)).catch((error: unknown) => error)
      expect(answer).toBeInstanceOf(Error)
    }),
  )
})

describe('settings that print plans', () => {
  it('tell the application no count of rows: auto_explain needs LOAD, and debug_print_plan prints estimates', () =>
    two.withPool({}, async (pool) => {
      await expect(two.as(two.a, () => pool.query(`load 'auto_explain'`))).rejects.toMatchObject({
        code: 'PARTYWALL_STATEMENT_REFUSED',
      })
      const notices: string[] = []
      pool.on('connect', (client) => client.on('notice', ({ message, detail }) => notices.push(`${message} ${detail}`)))
      await two.as(two.a, () =>
        pool.transaction(async (tx) => {
          await tx.query(
            "select set_config('debug_print_plan', 'on', true), set_config('client_min_messages', 'log', true)",
          )
          for (const name of ['auto_explain.log_min_duration', 'auto_explain.log_analyze'])
            await tx.query('select set_config($1, $2, true)', [name, '0'])
          await tx.query('select count(*) from users where email = $1', ['nobody@example.com'])
        }),
      )
      // The control: notices do arrive. They hold the plan that was made, and no count of rows that it met.
      expect(notices.join('\n')).toContain('planTree')
      expect(notices.join('\n')).not.toMatch(/Rows Removed|actual rows/i)
    }))
})

describe('a function of the application that runs any text', () => {
  it('runs EXPLAIN too, which no check of the statement can see', async () => {
    await two.database.admin(`create function public.run_text(q text) returns setof text language plpgsql as $$
      declare r text; begin for r in execute q loop return next r; end loop; end $$`)
    await two.withPool({}, async (pool) => {
      const ask = () => pool.query(`select public.run_text('explain select * from users') as line`)
      const granted = await two.as(two.a, ask).catch((error: unknown) => error)
      if (granted instanceof Error) {
        await two.database.admin('grant execute on function public.run_text(text) to public')
        expect((await two.as(two.a, ask)).rows.length).toBeGreaterThan(0)
      } else expect(granted).toMatchObject({ rows: expect.arrayContaining([{ line: expect.anything() }]) })
    })
    await two.database.admin('drop function public.run_text(text)')
  })
})
