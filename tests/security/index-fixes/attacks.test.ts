// Tenant A asks for a text of tenant B through the fixes of docs/performance.md: by answers, by errors, by planner settings and without a seal.
import { beforeAll, describe, expect, it } from 'vitest'
import { indexStage, SECRET } from './stage.ts'

const stage = indexStage()
const FUNCTIONS = ['docs_contains', 'docs_words', 'docs_code', 'docs_tag'] as const

/** Settings by which a plan reads one index first, whatever it costs. Injected SQL may set them. */
const FORCED = `select set_config('cpu_index_tuple_cost', '10', true), set_config('enable_seqscan', 'off', true), set_config('enable_indexscan', 'off', true),
  set_config('random_page_cost', '0', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

/** What an attacker sees of one statement of tenant A: its rows, or its error. */
async function seen(text: string, values: readonly unknown[] = [], forced = true): Promise<unknown> {
  const { two, pool } = stage()
  let answer: unknown
  const asking = two.as(two.a, () =>
    pool.transaction(async (tx) => {
      if (forced) await tx.query(FORCED)
      answer = await tx.query(text, [...values]).then(
        ({ rows }) => rows,
        (error: Error) => `${Reflect.get(error, 'code')}: ${error.message}`,
      )
    }),
  )
  // The transaction is rolled back where the statement failed.
  await asking.catch(() => {})
  return answer
}

describe('a search function tells nothing of another tenant', () => {
  // Each pair: a text that tenant B has, and one that nobody has.
  it.each([
    [SECRET, 'acme-invoice-7f3a8'],
    [`${SECRET}%\\`, 'acme-invoice-7f3a8%\\'],
    [`%${SECRET}%\\`, '%acme-invoice-7f3a8%\\'],
    ['acme\\', 'acmf\\'],
    ['acme_invoice', 'acmf_invoice'],
    [`${SECRET}' or true --`, "acme-invoice-7f3a8' or true --"],
  ])('asked for %j as for what nobody has', async (there, nowhere) => {
    for (const name of FUNCTIONS) {
      for (const text of [`select ${name}($1)`, `select * from docs where id = any (array(select ${name}($1)))`]) {
        for (const forced of [true, false]) {
          const answers = [await seen(text, [there], forced), await seen(text, [nowhere], forced)]
          expect(answers).toEqual([[], []])
        }
      }
    }
  })

  it('in a query inside of query_to_xml, where the plan is the attacker’s', async () => {
    const ask = (text: string) =>
      seen(
        `select query_to_xml('select count(*) from docs_contains(' || quote_literal($1) || ')', true, false, '')::text as xml`,
        [text],
      )
    const answers = [await ask(`${SECRET}%\\`), await ask('acme-invoice-7f3a8%\\')]
    expect(answers[0]).toEqual([{ xml: expect.stringContaining('<count>0</count>') }])
    expect(answers[1]).toEqual(answers[0])
  })

  it('without a seal, and with a seal that was changed', async () => {
    const { two } = stage()
    const other = `replace(current_setting('app.tenant_seal'), '${two.a.id}', '${two.b.id}')`
    const within = (seal: string, text: string) =>
      seen(`select docs_contains($1) from (select set_config('app.tenant_seal', ${seal}, true)) s`, [text])
    expect(await within("''", 'title')).toEqual([])
    expect(await within(other, SECRET)).toBe('42501: partywall: the seal is not valid')
  })

  it('can’t be called as its owner’s role, nor given other rows by a table in pg_temp', async () => {
    expect(await seen("select set_config('role', 'docs_search', true)")).toMatch(
      /^42501: permission denied to set role/,
    )
    const { two, pool } = stage()
    const found: unknown[] = []
    const attack = two.as(two.a, () =>
      pool.transaction(async (tx) => {
        await tx.query(`create temp table docs as select '${two.a.id}'::uuid as tenant_id, 1 as id, 'planted' as title`)
        found.push(...(await tx.query("select docs_contains('planted')")).rows)
      }),
    )
    await attack.catch((error: unknown) => found.push(error))
    expect(found.every((each) => each instanceof Error)).toBe(true)
  })
})

describe('an operator marked LEAKPROOF by hand', () => {
  /** A broken pattern is an error as soon as a row of any tenant has matched the text before its end. */
  const ask = (text: string) =>
    seen(
      `select query_to_xml('select count(*) from docs where title ilike ' || quote_literal($1), true, false, '')::text as xml`,
      [text],
    )
  const asked = [`%${SECRET}%\\`, '%acme-invoice-7f3a8%\\'] as const
  const set = (mark: string) => stage().two.database.admin(`alter function pg_catalog.texticlike(text, text) ${mark}`)

  beforeAll(async () => {
    // An index that does not start with the tenant, so that rows of other tenants reach the operator.
    await stage().two.database.admin(
      'create index docs_trgm_open on docs using gin (title gin_trgm_ops); drop index docs_trgm; analyze docs',
    )
  })

  it('opens an oracle over all tenants, which is why verify reports it', async () => {
    const closed = [await ask(asked[0]), await ask(asked[1])]
    expect(closed[0]).toEqual(closed[1])
    await set('leakproof')
    try {
      expect(await ask(asked[0])).toMatch(/LIKE pattern must not end with escape character/)
      expect(await ask(asked[1])).toEqual(closed[1])
    } finally {
      await set('not leakproof')
    }
    expect(await ask(asked[0])).toEqual(closed[0])
  })
})
