// SQL injection into careless routes of the API: the attacker writes part of a statement, or all of it.
import { type Attack, type AttackGroup, outcome } from '../attack.ts'
import type { Stage } from '../stage.ts'

const lines = ['security-no-leak', 'completed-cross-tenant-access'] as const

/** Injected into the middle of `… where title like '%<here>%' order by title`. */
function intoSearch(id: string, title: string, inject: (stage: Stage) => string): Attack {
  return { id, title, lines, run: (stage) => send(stage, `/careless/search?q=${encodeURIComponent(inject(stage))}`) }
}

/** A whole statement of the attacker's. */
function asReport(id: string, title: string, text: (stage: Stage) => string): Attack {
  return { id, title, lines, run: (stage) => send(stage, `/careless/report?sql=${encodeURIComponent(text(stage))}`) }
}

async function send({ a, b }: Stage, path: string) {
  const { status, text } = await a.api.get(path)
  const foreign = text.includes(b.secret) || text.includes(b.documentId)
  return outcome(!foreign && status < 600, `${status}, ${foreign ? 'rows of Globex' : 'nothing of Globex'}`)
}

const stolen = "query_to_xml('select title, body from documents', true, false, '')::text"
const asB = ({ b }: Stage) => `set_config('app.current_tenant_id', '${b.id}', true)`

export const injection: AttackGroup = {
  title: 'SQL injection through careless routes',
  attacks: [
    intoSearch('inject-or', "' OR true --", () => "' or true --"),
    intoSearch(
      'inject-union',
      'UNION with all documents',
      () => "' union select id, tenant_id, body from documents --",
    ),
    {
      ...intoSearch(
        'inject-seal',
        'set_config of Globex and query_to_xml in one SELECT',
        (stage) => `' union select id, tenant_id, ${asB(stage)} || ${stolen} from documents --`,
      ),
      layer: 'seal',
    },
    asReport(
      'inject-seal-order',
      'the same, the setting changed before the scan',
      (stage) => `with s as materialized (select ${asB(stage)} as x) select x, ${stolen} from s`,
    ),
    asReport(
      'inject-seal-drop',
      'the same, with the seal taken away',
      (stage) => `select ${asB(stage)}, set_config('app.tenant_seal', '', true), ${stolen}`,
    ),
    asReport(
      'inject-role',
      'the role raised by set_config',
      () => `select set_config('role', 'tenant_admin', true), ${stolen}`,
    ),
    asReport(
      'inject-session',
      'the tenant set for the session',
      ({ b }) => `select set_config('app.current_tenant_id', '${b.id}', false), ${stolen}`,
    ),
    asReport(
      'inject-do',
      'a DO block that switches the tenant',
      (stage) => `do $$ begin perform ${asB(stage)}; end $$`,
    ),
    asReport(
      'inject-prepare',
      'PREPARE over the pool’s own statement',
      () => 'prepare partywall_context_identity (text, text, text) as select 1',
    ),
    asReport(
      'inject-temp',
      'a temporary table to catch the next tenant’s rows',
      () => 'create temp table documents (tenant_id uuid, title text, body text)',
    ),
    asReport(
      'inject-alter-role',
      'ALTER ROLE CURRENT_USER SET …',
      ({ b }) => `alter role current_user set app.current_tenant_id = '${b.id}'`,
    ),
    asReport(
      'inject-catalog',
      'the statements of other sessions',
      () => "select query from pg_stat_activity where query like '%secret%'",
    ),
    {
      id: 'inject-catalog-role',
      title: 'the same, with the role taken off',
      lines,
      async run({ a, b }) {
        // All sessions have the same login role, so it may read the statement texts of all of them. Values are parameters and not in the
        // text.
        const sql =
          "with r as materialized (select set_config('role', 'none', true) as role) select role, query from r, pg_stat_activity where pid <> pg_backend_pid() and query <> ''"
        const { status, text, body } = await a.api.get(`/careless/report?sql=${encodeURIComponent(sql)}`)
        const rows: readonly { readonly query?: unknown }[] = Array.isArray(body) ? body : (body?.items ?? [])
        const texts = rows.filter(({ query }) => query !== '<insufficient privilege>').length
        const foreign = text.includes(b.secret) || text.includes(b.documentId)
        return outcome(
          status === 200 && !foreign,
          `visible: ${texts} statement texts of other sessions, ${foreign ? 'with values of Globex' : 'without values, which are parameters'}`,
        )
      },
    },
    asReport(
      'inject-statistics',
      'the statistics of the table',
      () => "select most_common_vals::text from pg_stats where tablename = 'documents'",
    ),
    {
      id: 'inject-after',
      title: 'what Globex sees after all of that',
      lines,
      async run({ a, b }) {
        const { status, text, body } = await b.api.get('/documents?limit=1000')
        const clean = status === 200 && body?.items?.length > 0 && !text.includes(a.id) && !text.includes(a.secret)
        return outcome(clean, clean ? 'its own rows, all of them' : `${status}: ${text.slice(0, 80)}`)
      },
    },
    {
      id: 'unsealed-copy',
      title: 'what the seal is for: the same set_config attack on a copy of the table without it',
      lines: ['completed-rls-policies'],
      async run(stage) {
        const sql = `select ${asB(stage)}, query_to_xml('select body from unsealed_documents', true, false, '')::text as x`
        const { text } = await stage.a.api.get(`/careless/report?sql=${encodeURIComponent(sql)}`)
        const crossed = text.includes(stage.b.secret)
        return outcome(
          crossed,
          crossed
            ? 'the copy shows the rows of Globex, and the sealed table none'
            : 'the copy shows nothing either, so nothing is compared',
        )
      },
    },
  ],
}
