// Each fix of docs/performance.md: the plan below the policy uses the index, and the answer is that of the plain condition.
import { describe, expect, it } from 'vitest'
import { indexStage } from './stage.ts'

const stage = indexStage()

interface Fix {
  readonly name: string
  /** The condition as an application writes it first. */
  readonly plain: string
  /** The condition that uses the index. */
  readonly fixed: string
  readonly index: string
  readonly values: readonly unknown[]
}

const FIXES: readonly Fix[] = [
  {
    name: 'lower(), generated column',
    plain: 'lower(email) = lower($1)',
    fixed: 'email_lower = lower($1)',
    index: 'docs_tenant_id_email_lower_idx',
    values: ['USER77@example.COM', 'nobody@example.com', ''],
  },
  {
    name: 'lower(), nondeterministic collation',
    plain: 'lower(email) = lower($1)',
    fixed: 'email_ci = $1',
    index: 'docs_tenant_id_email_ci_idx',
    values: ['USER77@example.COM', 'nobody@example.com'],
  },
  {
    name: 'numeric =, generated bigint',
    plain: 'amount = $1',
    fixed: 'amount = $1 and amount_x100 = ($1::numeric * 100)::bigint',
    index: 'docs_tenant_id_amount_x100_idx',
    values: ['7.77', '7.770', '7.771', '-1', '59.999'],
  },
  {
    name: 'numeric >, generated double precision',
    plain: 'weight > $1',
    fixed: 'weight > $1 and weight_float8 >= $1::numeric::float8',
    index: 'docs_tenant_id_weight_float8_idx',
    values: ['5990', '5990.001', '5990.0010000000000001', '6000.001'],
  },
  {
    name: 'jsonb ->>, generated column',
    plain: "attrs ->> 'code' = $1",
    fixed: 'code = $1',
    index: 'docs_tenant_id_code_idx',
    values: ['c77', 'C77', ''],
  },
  {
    name: 'a prefix, ^@',
    plain: 'left(title, length($1)) = $1',
    fixed: 'title ^@ $1',
    index: 'docs_tenant_id_title_idx',
    values: ['Title 77', '100%_of', '%', 'Title 7_'],
  },
  {
    name: 'one of two states, text with a check',
    plain: 'state = $1',
    fixed: 'state = $1',
    index: 'docs_tenant_id_state_id_idx',
    values: ['open', 'lost'],
  },
  {
    name: 'timestamptz and a date, cast',
    plain: 'made >= $1::date',
    fixed: 'made >= ($1::date)::timestamptz',
    index: 'docs_tenant_id_made_idx',
    values: ['2026-09-07', '2030-01-01'],
  },
  {
    name: 'array @>, a table of tags',
    plain: 'tags @> array[$1::text]',
    fixed: 'id = any (array(select t.id from doc_tags t where t.tag = $1))',
    index: 'doc_tags_pkey',
    values: ['t77', 't', "t'77"],
  },
  ...searches('array @>', 'tags @> array[$1::text]', 'docs_tag', ['t77', '%', "'"]),
  ...searches('jsonb @>', "attrs @> jsonb_build_object('code', $1::text)", 'docs_code', ['c77', '"', '{}']),
  ...searches('full text', "words @@ plainto_tsquery('simple', $1)", 'docs_words', [
    'w77',
    'w77 & every',
    'every | w1',
    '!w77',
  ]),
  ...searches('range &&', "period && int4range($1::int, $1::int, '[]')", 'docs_at', ['77', '0', '2147483646']),
  ...searches('contains', 'position(lower($1) in lower(title)) > 0', 'docs_contains', [
    'title 77',
    '%_OF',
    '100%',
    '_of\\n',
    '\\',
    '\\\\',
    '%',
    'acme-invoice',
  ]),
]

/** The keys of the function's rows; the policies still apply to the rows themselves. */
function searches(name: string, plain: string, call: string, values: readonly string[]): Fix[] {
  return [
    {
      name: `${name}, search function`,
      plain,
      fixed: `id = any (array(select ${call}($1)))`,
      index: 'docs_pkey',
      values,
    },
  ]
}

describe.each(FIXES)('$name', ({ plain, fixed, index, values }) => {
  it.each(values.map((value) => [value]))('answers like the plain condition: %j', async (value) => {
    const { ids, truth } = stage()
    const expected = await truth(plain, [value])
    expect(await ids(`select id from docs where ${fixed}`, [value])).toEqual(expected)
    expect(await ids(`select id from docs where ${plain}`, [value])).toEqual(expected)
  })

  it('uses its index below the policies', async () => {
    const { two, pool } = stage()
    const [value] = values
    const literal = `'${String(value)}'`
    const { rows } = await two.as(two.a, () =>
      pool.query(
        `explain (costs off) select id from docs where ${fixed.replaceAll(/\$1(?!::)/g, literal).replaceAll('$1::', `${literal}::`)}`,
      ),
    )
    expect(rows.map((row) => Reflect.get(row, 'QUERY PLAN')).join('\n')).toMatch(
      new RegExp(`Index.*${index}|on ${index}`),
    )
  })
})

describe('at least one value of each fix finds rows', () => {
  it.each(FIXES)('$name', async ({ plain, values }) => {
    const counts = await Promise.all(values.map(async (value) => (await stage().truth(plain, [value])).length))
    expect(Math.max(...counts)).toBeGreaterThan(0)
    expect(Math.min(...counts)).toBeLessThan(6_000)
  })
})
