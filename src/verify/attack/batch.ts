import { quoteLiteral } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { splitStatements } from '../sources/split-statements.ts'
import { AS_PLANTER } from './identity.ts'
import type { AttackSession } from './session.ts'

/** One probe of a batch. It runs in its own subtransaction, which is always rolled back. */
export interface BatchProbe {
  readonly key: string
  /** The attacker's statements. The answer contains the row count of the last statement. */
  readonly sql: string
  /** A query that returns one value. The planting role runs this query after the attacker's statements and before the rollback. */
  readonly judge?: string
  /** Set only if the probe tries a verb of a table. */
  readonly verb?: Verb
}

export interface BatchAnswer {
  /** False when the attacker's statement or `judge` raised an error. */
  readonly ok: boolean
  readonly code: string
  readonly rows: number
  readonly judged: string | null
  /**
   * Message, DETAIL and HINT of an error, in which a canary is looked for. CONTEXT is left out, because it contains the probe's own text.
   */
  readonly text: string
}

/** Number of probes in one round trip. A larger number would let one slow table time out many others. */
const CHUNK = 100
const DONE = 'PWOK1'

/**
 * Runs many probes as one role in one context, in few round trips: a DO block on the server loops over them.
 *
 * A thousand tables in nine contexts would otherwise be tens of thousands of round trips.
 */
export async function runBatch(
  session: AttackSession,
  enter: string,
  probes: readonly BatchProbe[],
): Promise<ReadonlyMap<string, BatchAnswer>> {
  const answers = new Map<string, BatchAnswer>()
  for (let at = 0; at < probes.length; at += CHUNK) {
    const chunk = probes.slice(at, at + CHUNK)
    const answer = await session.probe(async () => {
      await session.run(`${enter}${batchSql(chunk)}`)
      const { rows } = await session.text(`select pg_catalog.current_setting('partywall.batch') as answers`)
      return rows[0]?.['answers'] ?? '[]'
    })
    if (!answer.ok) {
      // The whole batch failed, such as because of a timeout or because the role may not run DO. Run each probe alone.
      for (const probe of chunk) answers.set(probe.key, await runSingle(session, enter, probe))
      continue
    }
    const parsed: unknown = JSON.parse(answer.value)
    for (const entry of Array.isArray(parsed) ? parsed : []) {
      const { k, c, m, n, t } = entry
      const ok = c === DONE
      answers.set(String(k), {
        ok,
        code: String(c),
        rows: Number(n ?? 0),
        judged: ok ? (m ?? null) : null,
        text: ok ? '' : String(t),
      })
    }
  }
  return answers
}

function batchSql(probes: readonly BatchProbe[]): string {
  const list = JSON.stringify(probes.map((probe) => ({ k: probe.key, s: probe.sql, j: probe.judge ?? null })))
  const body = `
declare
  probe record; touched bigint; judged text; answers jsonb := '[]'; said text; detail text; hint text;
begin
  for probe in select * from pg_catalog.jsonb_to_recordset(${quoteLiteral(list)}::jsonb) as p(k text, s text, j text) loop
    touched := 0; judged := null;
    begin
      execute probe.s;
      get diagnostics touched = row_count;
      if probe.j is not null then
        execute ${quoteLiteral('set local session authorization default')};
        execute 'set local role none';
        execute probe.j into judged;
      end if;
      raise exception using errcode = '${DONE}', message = 'done';
    exception when others then
      get stacked diagnostics said = message_text, detail = pg_exception_detail, hint = pg_exception_hint;
      answers := answers || pg_catalog.jsonb_build_object('k', probe.k, 'c', sqlstate, 'n', touched,
        'm', case when sqlstate = '${DONE}' then judged end, 't', pg_catalog.concat_ws(E'\\n', said, detail, hint));
    end;
  end loop;
  perform pg_catalog.set_config('partywall.batch', answers::text, true);
end`
  return `do ${quoteLiteral(body)}`
}

async function runSingle(session: AttackSession, enter: string, probe: BatchProbe): Promise<BatchAnswer> {
  const answer = await session.probe(async () => {
    await session.run(`${enter}select 1`)
    const statements = splitStatements(probe.sql).statements.map(({ text }) => text)
    for (const statement of statements.slice(0, -1)) await session.run(statement)
    const { count } = await session.text(statements.at(-1) ?? '')
    if (probe.judge === undefined) return { count, judged: null }
    await session.run(AS_PLANTER)
    const { rows } = await session.text(probe.judge)
    return { count, judged: Object.values(rows[0] ?? {})[0] ?? null }
  })
  if (!answer.ok) return { ok: false, code: answer.error.code, rows: 0, judged: null, text: answer.error.text }
  return { ok: true, code: DONE, rows: answer.value.count, judged: answer.value.judged, text: '' }
}
