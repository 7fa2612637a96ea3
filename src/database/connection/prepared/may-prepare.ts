import type { WallSettings } from '../../settings/wall-settings.ts'
import { isUnnamed } from '../session/context-statement.ts'

const told = new WeakSet<WallSettings>()

/**
 * Whether a connection may prepare texts under names of ours, which serve all tenants.
 *
 * @param freezesSettings an IMMUTABLE function of the database reads a setting: a kept plan would hold the value of one tenant
 */
export function mayPrepare(settings: WallSettings, freezesSettings: boolean): boolean {
  // Behind a pooler a name may be on another server connection. On a shared one, statements of others are under way when a name is lost.
  if (isUnnamed(settings) || settings.multiStatements) return false
  if (freezesSettings && settings.prepareThreshold > 0 && !told.has(settings)) {
    told.add(settings)
    settings.logger.warn(
      { setting: 'prepareThreshold' },
      'The database has an IMMUTABLE function that reads a setting. A kept plan would hold the value of one tenant, so no text is prepared. Declare the function STABLE.',
    )
  }
  return !freezesSettings
}
