import type pg from 'pg'
import { runWithoutTenant } from '../../../context/run-with-tenant.ts'
import { outsideOfTenants } from '../../../context/store.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'

/** A connection that is free to run one statement of partywall between statements of tenants. */
interface FreeConnection {
  readonly guard: { readonly settings: WallSettings }
  query(text: string, values: unknown[]): Promise<pg.QueryResult>
}

/**
 * Registers tickets that the database does not know yet. The connection has just become free, and the next statement gets it afterwards.
 *
 * @returns undefined if there is nothing to register, which is the usual case; otherwise a promise that never rejects
 */
export function registerTickets(connection: FreeConnection): Promise<void> | undefined {
  const { tickets, logger } = connection.guard.settings
  const batch = tickets?.nextBatch()
  if (batch === undefined) return undefined
  const { text, mac } = batch
  const run = () => connection.query('select partywall.register_tickets($1, $2)', [text, mac])
  return outsideOfTenants(() => runWithoutTenant(run)).then(
    () => batch.registered(),
    (error: Error) => {
      if (batch.failed())
        logger.warn(
          { reason: error.message },
          'The database does not accept tickets. Until it does, each statement checks its whole seal, which is slower.',
        )
    },
  )
}
