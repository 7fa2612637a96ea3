// What travels ahead when a connection goes from one tenant to the next.

/** Prepared once per connection: takes back every session-wide setting that a SELECT may have made. */
export const RESET_STATEMENT = 'partywall_reset'
export const RESET_TEXT = 'reset all'

/** Prepared where `onConnect` made session settings: makes them again after RESET ALL. */
export const RESTORE_STATEMENT = 'partywall_restore'
export const RESTORE_TEXT =
  'select pg_catalog.set_config(n.value, v.value, false) ' +
  'from pg_catalog.json_array_elements_text($1::pg_catalog.json) with ordinality as n (value, place) ' +
  'join pg_catalog.json_array_elements_text($2::pg_catalog.json) with ordinality as v (value, place) using (place)'

/** The session's own settings, read before the first tenant. */
export const SESSION_SETTINGS_TEXT =
  "select name, setting from pg_catalog.pg_settings where source = 'session' and context in ('user', 'superuser')"

export interface SessionSetting {
  readonly name: string
  readonly setting: string
}
