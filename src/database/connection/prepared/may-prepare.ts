import type { WallSettings } from '../../settings/wall-settings.ts'
import { isUnnamed } from '../session/context-statement.ts'

const told = new WeakSet<WallSettings>()

/**
 * Whether a connection may prepare texts under names of ours, which serve all tenants.
 *
 * @param freezesValues whether a function of the database is wrongly IMMUTABLE: a cached plan would contain its result for one tenant
 */
export function mayPrepare(settings: WallSettings, freezesValues: boolean): boolean {
  // Behind a pooler, the name may exist only on another server connection. On a shared connection, a lost name would also break statements
  // of other tenants that are already sent.
  if (isUnnamed(settings) || settings.multiStatements) return false
  if (freezesValues && settings.prepareThreshold > 0 && !told.has(settings)) {
    told.add(settings)
    settings.logger.warn(
      { setting: 'prepareThreshold' },
      'The database has an IMMUTABLE function that reads a setting or a table, or calls a function that is not IMMUTABLE. A cached plan would contain its result for one tenant, so no text is prepared. Declare the function STABLE, or let it call only functions of PostgreSQL and of extensions.',
    )
  }
  return !freezesValues
}
