import { describe, expect, it } from 'vitest'
import { ISO_27001 } from '../../../src/verify/formats/controls/iso-27001.ts'
import { OWASP_MULTI_TENANT } from '../../../src/verify/formats/controls/owasp-multi-tenant.ts'
import { SOC2 } from '../../../src/verify/formats/controls/soc2.ts'
import { renderHtml } from '../../../src/verify/formats/html/render-html.ts'
import { htmlStyle } from '../../../src/verify/formats/html/style.ts'
import { examined, leak, sampleDocument } from './sample-document.ts'

function section(page: string, id: string): string {
  return page.slice(page.indexOf(`<section id="${id}">`)).split('</section>')[0] ?? ''
}

describe('the schema digest', () => {
  it('is evidence only for what it covers, and the report says what that is not', () => {
    for (const origin of ['database', 'files'] as const) {
      const page = renderHtml(sampleDocument({ origin }))
      expect(page).not.toContain('nothing that decides about isolation was changed')
      const scope = section(page, 'scope')
      for (const limit of ['rows (also those of tables that policies look up)', 'large objects', 'pg_hba.conf'])
        expect(scope).toContain(limit)
      expect(scope).toContain('A new superuser, or such a login with BYPASSRLS, leaves the digest as it is.')
      expect(section(page, 'glossary')).toMatch(/stored settings and privileges on parameters/)
    }
  })
})

describe('the scope', () => {
  it('says that partywall’s own objects are there, and whether this run made them', () => {
    const ownSchema = { functions: 46, definers: 29 }
    const found = sampleDocument({ examined: { ...examined, ownSchema } })
    const page = section(renderHtml(found), 'scope')
    expect(page).toContain('with 46 functions, 29 of them SECURITY DEFINER')
    expect(page).toContain('This run did not compare it with the migrations of the package.')
    const made = {
      at: '2026-11-30T15:00:00.000Z',
      seconds: 1,
      command: 'partywall verify',
      nodeVersion: '22.18.0',
      ownInputs: [{ name: '0001_seal.sql', bytes: 9, sha256: 'f'.repeat(64) }],
    }
    expect(section(renderHtml({ ...found, made }), 'scope')).toContain('This run made it from the migrations')
    const objects = { ...examined.objects, function: 1 }
    const counted = sampleDocument({ examined: { ...examined, objects, ownSchema } })
    expect(section(renderHtml(counted), 'scope')).toContain(
      'Functions of all schemas but <code>partywall</code>, without those of extensions: 1.',
    )
    expect(section(renderHtml(sampleDocument()), 'scope')).not.toContain('SECURITY DEFINER')
  })

  it('says which logins it lists, and that those of production are not known to a run on files', () => {
    const scope = (origin: 'database' | 'files') => section(renderHtml(sampleDocument({ origin })), 'scope')
    expect(scope('database')).toContain('superusers of the server, logins with BYPASSRLS or REPLICATION')
    expect(scope('files')).toContain('Logins of production that the source does not make are not known.')
    expect(scope('files')).not.toContain('superusers of the server, logins')
    for (const origin of ['database', 'files'] as const)
      expect(section(renderHtml(sampleDocument({ origin })), 'roles')).toContain(
        'Other roles of the server are not listed',
      )
  })
})

describe('results by role', () => {
  it('say that a cell may leak by a view or function, whatever its roles may do by themselves', () => {
    const page = section(renderHtml(sampleDocument()), 'results')
    expect(page).toContain('a view or function that passes the policies makes the cell leak, whatever stands here.')
  })
})

describe('the head', () => {
  it('names the role of the connection, and for a database the server', () => {
    const head = (origin: 'database' | 'files') => renderHtml(sampleDocument({ origin })).split('</header>')[0] ?? ''
    expect(head('database')).toContain('<code>owner</code>, no superuser')
    expect(head('database')).toContain('<code>7398000000000000001</code>')
    expect(head('files')).not.toContain('7398000000000000001')
    const server = { ...examined.server, identifier: undefined, reader: { name: 'postgres', superuser: true } }
    const page = renderHtml(sampleDocument({ origin: 'database', examined: { ...examined, server } }))
    expect(page).toContain('<code>postgres</code>, a superuser')
    expect(page).toContain('not readable for this role')
  })
})

describe('a finding', () => {
  it('says of which object the place is', () => {
    const policy = { ...leak, message: 'Policy own on public.documents is open.' }
    const page = section(renderHtml(sampleDocument({ findings: [policy] })), 'findings')
    expect(page).toContain('<code>public.documents</code> is created in migrations/0001 a.sql:7')
    expect(page).not.toMatch(/open\. <small>created in/)
  })

  it('of severity low may let a row of another tenant be reached', () => {
    const words = section(renderHtml(sampleDocument()), 'glossary')
    expect(words).not.toContain('<code>low</code>: a risk with small effect')
    expect(words).toContain('a lower severity does not say that no row of another tenant is reached')
  })
})

describe('the lines of standards', () => {
  it('say how many controls there is evidence for', () => {
    for (const [standard, number] of [
      [SOC2, 'Two'],
      [ISO_27001, 'Four'],
    ] as const) {
      const covered = standard.controls.filter(({ groups }) => groups !== undefined)
      const others = standard.controls.filter(({ groups }) => groups === undefined)
      expect(standard.selection).toMatch(new RegExp(`^${number} `))
      expect(covered).toHaveLength(number === 'Two' ? 2 : 4)
      const [first = '', second = ''] = standard.selection.split('. ')
      for (const { id } of covered) expect(first).toContain(id)
      for (const { id } of others) expect(second).toContain(id)
    }
    expect(SOC2.controls.map(({ id }) => id)).toContain('CC7.1')
    expect(OWASP_MULTI_TENANT.controls.find(({ id }) => id === "Don't 4")?.asks).toContain('unless')
  })

  it('say of tables what held, and not only what was found', () => {
    const sample = sampleDocument()
    const verdicts = { ...sample.summary.verdicts, proved: 17, 'no-access': 3, held: 0, leaks: 0, unproved: 0 }
    const summary = { ...sample.summary, verdicts: { ...verdicts, unreliable: 0 } }
    const says = 'Of 20 cells (table and verb): 17 proved, 3 no-access; 1 of 2 controls of the attacks worked.'
    const page = renderHtml(sampleDocument({ summary }))
    for (const id of ['soc2', 'iso-27001']) expect(section(page, id)).toContain(says)
    const quiet = renderHtml(sampleDocument({ summary, examined: { ...examined, controls: [] } }))
    expect(section(quiet, 'soc2')).toContain('3 no-access; no control ran.')
  })

  it('do not call logins covered that no rule judges', () => {
    for (const id of ['A.8.2', 'CC6.3']) {
      const control = [...SOC2.controls, ...ISO_27001.controls].find((each) => each.id === id)
      expect(control).toMatchObject({ limits: expect.stringMatching(/no rule judges them/) })
    }
  })

  it('are blocks in print, so that long lists do not make a narrow column', () => {
    const print = htmlStyle('x').split('@media print{')[1] ?? ''
    for (const id of ['soc2', 'iso-27001', 'owasp']) {
      expect(print).toContain(`#${id} thead{display:none}`)
      expect(print).toContain(`#${id} td{display:block}`)
    }
  })
})

it('a report says that its digest needs the JSON document of the same run', () => {
  const page = section(renderHtml(sampleDocument()), 'integrity')
  expect(page).toContain('This file does not hold the JSON document')
  expect(page).toContain('with <code>--database-url</code> its system identifier')
  expect(page).toContain('--report html=report.html --report json=report.json')
})
