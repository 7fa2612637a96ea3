import { describe, expect, it } from 'vitest'
import { attacks } from '../../../src/verify/attacks/list.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { renderJson } from '../../../src/verify/formats/json.ts'
import { examined, leak, sampleDocument } from './sample-document.ts'

function section(page: string, id: string): string {
  return page.slice(page.indexOf(`<section id="${id}">`)).split('</section>')[0] ?? ''
}

const made = { at: '2026-11-30T15:00:00.123Z', seconds: 12, command: 'partywall verify', nodeVersion: '22.18.0' }
const input = (name: string, statements: readonly { readonly line: number; readonly text: string }[]) => ({
  name,
  bytes: 10,
  sha256: 'd'.repeat(64),
  statements,
})

describe('the scripts of findings', () => {
  it('stand at the finding that their leak belongs to, and not in JSON', () => {
    const findings = section(renderHtml(sampleDocument()), 'findings')
    const [first = '', second = ''] = findings.split('<article id="F2">')
    expect(first).toMatch(/Repeat it.*select, as app, tenant A.*SELECT 1 FROM public\.documents;/s)
    expect(second).not.toContain('Repeat it')
    expect(renderJson(sampleDocument())).not.toContain('SELECT 1 FROM public.documents')
    const read = { ...leak, proof: 'static' as const }
    expect(renderHtml(sampleDocument({ findings: [read] }))).not.toContain('Repeat it')
  })

  it('stand at the finding of their rule and object, where an attack on one rule made them', () => {
    const own = {
      rule: 'rls-not-forced',
      object: 'public.closed',
      verb: 'select',
      by: 'as owner',
      sql: 'SELECT 7;',
    } as const
    const finding = { ...leak, rule: 'rls-not-forced', object: 'public.closed', key: 'rls-not-forced:public.closed' }
    const document = sampleDocument({ findings: [leak, finding], examined: { ...examined, scripts: [own] } })
    const [first = '', second = ''] = section(renderHtml(document), 'findings').split('<article id="F2">')
    expect(first).not.toContain('SELECT 7;')
    expect(second).toContain('SELECT 7;')
  })
})

describe('the scripts of a finding on many objects', () => {
  it('are printed for the first ten, and a missing script has a reason', () => {
    const many = Array.from({ length: 12 }, (_, at) => ({
      ...leak,
      object: `public.t${at}`,
      key: `rls-disabled:public.t${at}`,
    }))
    const [first = leak, ...others] = many
    const document = sampleDocument({
      findings: [{ ...first, alike: others.map(({ key }) => key) }],
      singly: many,
      examined: {
        ...examined,
        leaks: many.map(({ object, key }) => ({ object, verb: 'select', by: 'attack', keys: [key] })),
        scripts: many.map(({ object }) => ({ object, verb: 'select', by: 'as app', sql: `SELECT 1 FROM ${object};` })),
      },
    })
    const page = section(renderHtml(document), 'findings')
    expect(page).toContain('SELECT 1 FROM public.t9;')
    expect(page).not.toContain('SELECT 1 FROM public.t10;')
    expect(page.match(/As at the first object/g)).toHaveLength(2)
    const none = renderHtml(sampleDocument({ examined: { ...examined, scripts: [] } }))
    expect(none).toContain('No script: verify makes none for an attack of this kind. The evidence says what was done;')
    expect(none).not.toContain('No script: the SQL of the context')
    const own = renderHtml(sampleDocument({ examined: { ...examined, scripts: [], held: [] } }))
    expect(own).toContain('No script: the SQL of the context was given with --context-sql, and may hold a secret.')
  })
})

describe('the statements that held', () => {
  it('stand with planted rows, actors, outcome and number of tries, and not in JSON', () => {
    const page = section(renderHtml(sampleDocument()), 'held')
    expect(page).toMatch(/Planted rows.*INSERT INTO public\.documents \(id\) VALUES \(1\);/s)
    expect(page).toMatch(/Actors.*<p>as app, tenant A<\/p>\s*<pre><span>set local role app;/s)
    expect(page).toMatch(/write-across<.*update<.*update public\.documents set id = id;.*check: .*>1 row<.*>3</s)
    expect(page).toContain('role and context as in the statements')
    expect(renderJson(sampleDocument())).not.toContain('set local role app')
  })

  it('have the control of their cell beside them, without which they show nothing', () => {
    const page = section(renderHtml(sampleDocument()), 'held')
    expect(page).toMatch(/update public\.documents.*data-column="control">did not run</s)
    expect(page).toMatch(/<code>become<.*data-column="control">none</s)
    expect(page).toContain('If the control did not work, the line shows nothing')
  })

  it('name the attacks of which no line is printed', () => {
    const attacks = [
      { name: 'read-across', probes: 7, reached: [] },
      { name: 'write-across', probes: 3, reached: [] },
      { name: 'truncate', probes: 0, reached: [] },
    ]
    const page = section(renderHtml(sampleDocument({ examined: { ...examined, attacks } })), 'held')
    expect(page).toContain('No line is printed of these attacks, which sent probes: <code>read-across</code>. Their')
  })

  it('say where code refused the row, so that the line is no attack on a policy', () => {
    const of = (outcome: string) => {
      const [held] = examined.held
      if (held === undefined) throw new RangeError('no sample')
      const line = {
        attack: 'write-across',
        object: 'public.t',
        verb: 'insert',
        sql: 'insert',
        outcome,
        tries: 1,
      } as const
      return section(
        renderHtml(sampleDocument({ examined: { ...examined, held: [{ ...held, statements: [line] }] } })),
        'held',
      )
    }
    const said = 'raised the error of these lines: <code>insert public.t</code>. It refused the row, whatever'
    expect(of('error 42501: partywall: the row names another tenant than the context')).toContain(said)
    for (const message of [
      'new row violates row-level security policy for table "t"',
      'new row violates row-level security policy "own" for table "t"',
      'permission denied for table t',
      'must be owner of table t',
    ])
      expect(of(`error 42501: ${message}`)).not.toContain('raised the error of these lines')
  })

  it('end at 100 kB without cutting one, and say how many are left out', () => {
    const [held] = examined.held
    if (held === undefined) throw new RangeError('no sample')
    const many = Array.from({ length: 40 }, (_, at) => ({
      attack: 'truncate',
      object: `public.t${at}`,
      sql: `select '${'y'.repeat(5_000)}';`,
      outcome: 'no row',
      tries: 1,
    }))
    const page = section(
      renderHtml(sampleDocument({ examined: { ...examined, held: [{ ...held, statements: many }] } })),
      'held',
    )
    expect(page).toContain('21 statements are not printed')
    expect(page.match(/y&#39;;/g)).toHaveLength(19)
    const none = renderHtml(sampleDocument({ examined: { ...examined, held: [] } }))
    expect(section(none, 'held')).toContain('No statement is printed')
  })
})

describe('results and privileges by role', () => {
  it('say of each cell what proof, control and attacks say', () => {
    const page = section(renderHtml(sampleDocument()), 'results')
    expect(page).toContain(
      'policies let rows of others pass; control worked; <span class="bad">tried 9 times, reached rows 9 times',
    )
    expect(page).toContain('>no privilege<')
    expect(page).toContain('proved; control did not run; tried 3 times, reached none')
    expect(page).toContain('not proved; control ended in an error; not tried by these attacks')
  })

  it('name privileges, settings of the server and extensions, without markup of names', () => {
    const page = renderHtml(sampleDocument())
    expect(section(page, 'privileges')).toMatch(/public\.documents<.*>app<.*SELECT, UPDATE \(app\.&quot;/)
    expect(section(page, 'server')).toMatch(/row_security<.*>on</)
    expect(section(page, 'server')).toContain('citext 1.8 in public')
    expect(section(page, 'server')).not.toContain('<code>x</code>')
  })
})

describe('code as read', () => {
  it('has functions with owner, rights and digest, triggers with their state, views and rewrite rules', () => {
    const page = renderHtml(sampleDocument())
    const functions = section(page, 'code')
    expect(functions).toMatch(
      /public\.total\(uuid\)<.*>postgres<.*SECURITY DEFINER.*search_path = pg_catalog.*>PUBLIC</,
    )
    expect(functions).toContain('e'.repeat(64))
    expect(functions).toMatch(/before insert, for each row<.*public\.stamp\(\)<.*>disabled</)
    expect(functions).toContain('CREATE RULE late')
    expect(section(page, 'views')).toContain('with the rights of its caller (security_invoker); owner <code>postgres')
    expect(section(page, 'privileges')).toMatch(/Database and schemas<.*database<.*>app<.*>CONNECT</s)
    expect(section(page, 'privileges')).toMatch(/PUBLIC, and roles that were not tried<.*>PUBLIC<.*>USAGE</s)
  })

  it('says that bodies are not printed where the schema does not come from files', () => {
    const text = 'The body is not printed'
    expect(section(renderHtml(sampleDocument()), 'code')).not.toContain(text)
    expect(section(renderHtml(sampleDocument({ origin: 'database' })), 'code')).toContain(text)
    expect(section(renderHtml(sampleDocument({ origin: 'command' })), 'code')).toContain(text)
  })
})

describe('attacks that sent no probe', () => {
  it('say what the run did not find, and which rules report an object all the same', () => {
    const counts = [
      { name: 'truncate', probes: 0, reached: [], needs: 'granted TRUNCATE', said: [] },
      { name: 'become', probes: 0, reached: [], needs: 'strong role', said: ['role-superuser'] },
    ]
    const all = counts.map(({ name }) => ({ name, title: name }))
    const page = section(
      renderHtml(sampleDocument({ attacks: all, examined: { ...examined, attacks: counts } })),
      'attacks',
    )
    expect(page).toMatch(/>truncate<.*>granted TRUNCATE</)
    expect(page).toMatch(/>strong role\. Rules that report an object: <code>role-superuser<\/code></)
  })

  it('have a reason of their own, which completes a sentence', () => {
    expect(attacks.length).toBeGreaterThan(30)
    expect(new Set(attacks.map(({ needs }) => needs)).size).toBe(attacks.length)
    for (const { needs } of attacks) expect(needs).not.toMatch(/^[A-Z][a-z]|\.$/)
  })
})

describe('policies of schemas that hold one tenant each', () => {
  it('are printed once for tables that are alike, with their schemas', () => {
    const schemas = Array.from({ length: 25 }, (_, at) => `t_${at}`)
    const policy = {
      name: 'own',
      permissive: true,
      command: 'all',
      roles: ['PUBLIC'],
      using: "id = '<tenant>'",
      check: undefined,
    }
    const relation = {
      name: 'notes',
      kind: 'table',
      owner: 'o',
      rowSecurity: true,
      forced: true,
      schemas,
      reach: ['app'],
      policies: [policy],
    }
    const page = section(
      renderHtml(sampleDocument({ examined: { ...examined, tenantRelations: [relation] } })),
      'policies',
    )
    expect(page).toContain('in 25 schemas: <code>t_0</code>')
    expect(page).toContain('<code>t_19</code> and 5 more')
    expect(page).toContain('used by <code>app</code>')
    expect(page).toContain('id = &#39;&lt;tenant&gt;&#39;')
    expect(section(renderHtml(sampleDocument()), 'policies')).not.toContain('one tenant each')
  })
})

describe('the statements of the input files', () => {
  const file = 'migrations/0001 a.sql'

  it('are linked from findings by file and line', () => {
    const inputs = [
      input('other.sql', [{ line: 7, text: 'select' }]),
      input(file, [{ line: 7, text: 'create table <t>' }]),
    ]
    const page = renderHtml(sampleDocument({ made: { ...made, inputs } }))
    expect(section(page, 'findings')).toContain(`<a href="#S2-7">${file}:7</a>`)
    expect(section(page, 'source')).toContain('<span id="S2-7"><b>7</b>create table &lt;t&gt;')
    // A line that the annex does not show has no link.
    const without = renderHtml(sampleDocument({ made: { ...made, inputs: [input(file, [{ line: 9, text: 'x' }])] } }))
    expect(section(without, 'findings')).toContain(`created in ${file}:7`)
  })

  it('end at 200 kB, say how many are cut, and keep those of findings', () => {
    const filler = Array.from({ length: 40 }, (_, at) => ({ line: 100 + at, text: 'y'.repeat(10_000) }))
    const inputs = [input(file, [...filler, { line: 7, text: 'create table documents' }])]
    const page = section(renderHtml(sampleDocument({ made: { ...made, inputs } })), 'source')
    expect(page.length).toBeLessThan(210_000)
    expect(page).toContain('create table documents')
    expect(page).toMatch(/ 21 statements are not printed/)
    expect(renderHtml(sampleDocument({ made: { ...made, inputs: [] } }))).not.toContain('<section id="source">')
  })
})
