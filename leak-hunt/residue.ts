import pg from 'pg'
import type { Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'

/** Past the wall: what stands on a connection while no tenant uses it. */
const LEFT_BEHIND = `
  select coalesce(current_setting('app.current_tenant_id', true), '') as tenant,
         coalesce(current_setting('app.tenant_seal', true), '') as seal,
         current_setting('role') as role,
         current_setting('search_path') as path,
         current_setting('default_transaction_read_only') as read_only,
         (select count(*)::int from pg_cursors where is_holdable) as cursors,
         (select count(*)::int from pg_listening_channels()) as channels,
         (select count(*)::int from pg_class where relnamespace = pg_my_temp_schema()) as temporary`

/**
 * Looks at every idle connection, from below the wall, when nothing runs.
 *
 * What a plain SELECT can leave (settings for the session, advisory locks) is taken back before the next tenant, not at once: it
 * is no residue here. What outlives RESET ALL is.
 */
export async function checkResidue(stage: Stage, ledger: Ledger): Promise<number> {
  let looked = 0
  for (const client of stage.clients()) {
    const below = pg.Client.prototype.query.bind(client)
    const answer: pg.QueryResult | undefined = await Promise.race([
      below(LEFT_BEHIND).catch(() => undefined), // a connection that broke is nobody's problem
      new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1000).unref()),
    ])
    const row: unknown = answer?.rows[0]
    if (row === undefined) continue
    looked += 1
    const { cursors, channels, temporary } = row as Record<string, unknown>
    if (cursors !== 0 || channels !== 0 || temporary !== 0) {
      ledger.violate(
        'residue on a connection',
        `cursors ${cursors}, channels ${channels}, temporary objects ${temporary}`,
      )
    }
  }
  return looked
}
