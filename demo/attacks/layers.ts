// Probes that only one layer can stop.
import { type AttackGroup, failureOf, outcome } from '../attack.ts'

export const layerProbes: AttackGroup = {
  title: 'One layer at a time',
  attacks: [
    {
      id: 'layer-force',
      title: 'the owner of the tables counts rows',
      layer: 'force',
      lines: ['completed-rls-policies', 'security-rls-on-all-queries'],
      async run({ admin }) {
        // One statement text is one transaction here; the answer of the SELECT is the last one.
        const results: unknown = await admin(
          'begin; set local role app_owner; select count(*)::int as n from documents; rollback',
        )
        const counted = Array.isArray(results) ? results[2]?.rows[0]?.n : undefined
        return outcome(counted === 0, `${counted} rows`)
      },
    },
    {
      id: 'layer-trigger',
      title: 'a foreign tenant on a table whose policies are off',
      layer: 'trigger',
      lines: ['completed-rls-policies'],
      async run({ a, b }) {
        const insert = await failureOf(() =>
          a.helper.rawQuery(`insert into guarded_notes (tenant_id, note) values ('${b.id}', 'planted')`),
        )
        await failureOf(() => a.helper.rawQuery("insert into guarded_notes (note) values ('own')"))
        const move = await failureOf(() => a.helper.rawQuery(`update guarded_notes set tenant_id = '${b.id}'`))
        return outcome(insert === '42501' && move === '42501', `INSERT ${insert}, UPDATE ${move}`)
      },
    },
    {
      id: 'layer-repository-filter',
      title: 'the SQL of GET /documents/<own id> as the server saw it',
      layer: 'repository-filter',
      lines: ['completed-repository'],
      async run({ a, admin }) {
        await a.api.get(`/documents/${a.documentId}`)
        const { rows } = await admin(
          `select query from pg_stat_activity where usename = 'app' and query ilike 'select%from%documents%'
             and query not ilike '%careless%' order by state_change desc limit 1`,
        )
        const text = String(rows[0]?.query ?? '')
        const filtered = /where.*"?tenant_id"? = \$\d/is.test(text)
        return outcome(
          filtered,
          filtered ? 'filters by tenant_id itself, besides row-level security' : 'no filter of its own',
        )
      },
    },
  ],
}
