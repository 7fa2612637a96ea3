import { describe, expect, it } from 'vitest'
import { attacks } from '../../../src/verify/attacks/list.ts'
import type { Finding } from '../../../src/verify/finding/finding.ts'
import type { ReportDocument } from '../../../src/verify/formats/document.ts'
import { howKnown } from '../../../src/verify/formats/html/how-known.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { rules } from '../../../src/verify/rules/list.ts'
import { HOLDING, withCase } from '../rule-case.ts'
import { examined, leak, sampleDocument } from './sample-document.ts'

const fn = 'public.find_member(text)'
const shadowed: Finding = {
  ...leak,
  rule: 'secdef-search-path',
  object: fn,
  key: `secdef-search-path:${fn}`,
  proof: 'static',
}

function run(changes: Partial<ReportDocument> = {}): ReportDocument {
  return sampleDocument({
    attacks: attacks.map(({ name, title, rules: confirms }) => ({ name, title, rules: confirms })),
    rules: rules.map(({ id, group, title, severity, meaning, remedy }) => ({
      id,
      group,
      title,
      severity,
      meaning,
      remedy,
    })),
    ...changes,
  })
}

function sent(attack: string, object: string, tries: number): ReportDocument {
  const statement = { attack, object, sql: 'select 1;', outcome: 'no row', tries }
  return run({
    examined: {
      ...examined,
      attacks: [{ name: attack, probes: tries, reached: [] }],
      held: [{ rows: [], actors: [], statements: [statement] }],
    },
  })
}

describe('a finding that no attack confirmed', () => {
  it('says which attack tried its object, and how often', () => {
    expect(howKnown(shadowed, sent('shadow-names', fn, 6))).toBe(
      'Read from the catalog. Tried 6 times by `shadow-names`; not confirmed.',
    )
    const page = renderHtml({ ...sent('shadow-names', fn, 6), findings: [shadowed], singly: [shadowed] })
    expect(page).toContain('Read from the catalog. Tried 6 times by <code>shadow-names</code>; not confirmed.')
    const policy: Finding = { ...leak, rule: 'policy-null-tenant', proof: 'static' }
    expect(howKnown(policy, sent('read-across', leak.object, 1))).toBe(
      'Read from the catalog. Tried 1 time by `read-across`; not confirmed.',
    )
  })

  it('says that no attack tries its rule, that the attack sent no probe, or that nothing was attacked', () => {
    expect(howKnown({ ...shadowed, rule: 'pk-not-tenant-led' }, run())).toBe(
      'Read from the catalog. No attack of partywall tries this rule.',
    )
    expect(howKnown(shadowed, run())).toBe(
      'Read from the catalog. Not tried: `shadow-names` sent no probe in this run.',
    )
    const sample = sampleDocument()
    expect(howKnown(shadowed, run({ run: { ...sample.run, mode: 'static' } }))).toBe(
      'Read from the catalog. Nothing was attacked in this run.',
    )
    expect(howKnown(shadowed, run({ examined: { ...examined, tenantSchemas: 2 } }))).toContain('sent no probe')
    expect(
      howKnown({ ...shadowed, rule: 'schema-table-unwalled' }, run({ examined: { ...examined, tenantSchemas: 2 } })),
    ).toContain('The attacks between schemas of tenants did not confirm it.')
  })

  it('claims no attempt on its object of which the report lists no statement', () => {
    expect(howKnown(shadowed, sent('shadow-names', 'public.other()', 6))).toBe(
      `Read from the catalog. Not confirmed by \`shadow-names\`. This report lists no statement of this attack on ${fn}.`,
    )
  })
})

describe('what a query plan shows', () => {
  it('is called seen, and no success of an attack', () => {
    const slow: Finding = { ...leak, rule: 'policy-per-row' }
    expect(howKnown(slow, run())).toBe('Seen in a query plan of this run.')
    expect(howKnown(leak, run())).toBe('An attack of this run succeeded.')
    const counts = [{ name: 'explain-policies', probes: 1, reached: ['public.documents'] }]
    const page = renderHtml(run({ examined: { ...examined, attacks: counts } }))
    expect(page).toContain('seen in the plan of <code>public.documents</code>')
    expect(page).not.toContain('succeeded on <code>public.documents</code>')
  })
})

it('a control that ended without an error and without an effect was not refused', async () => {
  const swallow = `create function swallow() returns trigger language plpgsql as 'begin return null; end';
    create trigger swallow before delete on documents for each row execute function swallow();`
  await withCase([HOLDING, swallow], async (verify) => {
    const { examined: looked } = await verify()
    const controls = looked.controls.filter(({ object }) => object === 'public.documents')
    expect(controls.find(({ verb }) => verb === 'delete')?.status).toBe('no-row')
    expect(controls.find(({ verb }) => verb === 'update')?.status).toBe('worked')
    expect(renderHtml(sampleDocument({ examined: looked }))).toContain('reached no row of its own')
  })
})

it('the title of an attack names all that it does to the row', () => {
  expect(attacks.find(({ name }) => name === 'shape-rows')?.title).toMatch(/reads, changes or deletes it$/)
})
