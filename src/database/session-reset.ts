import pg from 'pg'
import { bindExecute } from './bind-execute.ts'
import type { FrontBytes } from './context-bytes.ts'
import type { WallSettings } from './wall-settings.ts'

// What travels ahead of a statement, so that it meets nothing that an earlier one left on the session.

/**
 * Prepared once per connection, and sent before every statement outside of a transaction: takes back all settings that a SELECT
 * may have made for the session. It leaves the role alone, which the context statement sets, and the state that
 * {@link FORGET_STATEMENT} and the context's `switch` forms take back.
 */
export const RESET_STATEMENT = 'partywall_reset'
export const RESET_TEXT = 'reset all'

/** Prepared once per connection, and sent where another user comes: `currval` and `lastval` know nothing afterwards. */
export const FORGET_STATEMENT = 'partywall_forget'
export const FORGET_TEXT = 'discard sequences'

/** A statement that a connection prepares under a name of ours. */
export interface PreparedText {
  readonly name: string
  readonly text: string
  readonly types?: readonly number[]
}

/**
 * Prepared where `onConnect` made session settings: each makes one of them again after RESET ALL. SET takes no snapshot, which
 * set_config() would, so that `begin isolation level serializable` may follow.
 */
export function restoreStatements(settings: readonly SessionSetting[]): readonly PreparedText[] {
  return settings.map(({ name, setting }, place) => {
    const quoted = name.split('.').map((part) => pg.escapeIdentifier(part))
    return { name: `partywall_restore_${place}`, text: `set ${quoted.join('.')} to ${pg.escapeLiteral(setting)}` }
  })
}

/** RESET ALL and the statements of {@link restoreStatements}. */
export function restoreBytes(statements: readonly PreparedText[]): FrontBytes {
  const names = [RESET_STATEMENT, ...statements.map(({ name }) => name)]
  return { bytes: Buffer.concat(names.map((name) => bindExecute(name, []))), answers: names.length }
}

/** The session's own settings, read before the first tenant; without those that partywall decides. */
export const SESSION_SETTINGS_TEXT =
  "select name, setting from pg_catalog.pg_settings where source = 'session' and context in ('user', 'superuser') " +
  "and name not in ('search_path', 'statement_timeout', 'lock_timeout', 'role', 'session_authorization', 'seed')"

export interface SessionSetting {
  readonly name: string
  readonly setting: string
}

/** What RESET ALL must bring back: the settings that partywall decides for the whole session. */
export function startupSettings(settings: WallSettings): ReadonlyMap<string, string> {
  return new Map([
    ['search_path', settings.searchPath],
    ['statement_timeout', String(settings.statementTimeoutMs)],
    ['lock_timeout', String(settings.lockTimeoutMs)],
  ])
}

/**
 * The start-up option of a connection: RESET ALL returns to these values, and they stand above those stored for a role or a database.
 *
 * @param own the application's own start-up options; where both name a setting, partywall's value holds
 * @see PostgreSQL "Message Formats", StartupMessage: `options`
 */
export function startupOptions(settings: WallSettings, own: string | undefined): string {
  const ours = [...startupSettings(settings)].map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
  return [...(own ? [own] : []), ...ours].join(' ')
}
