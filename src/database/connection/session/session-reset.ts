import pg from 'pg'
import type { WallSettings } from '../../settings/wall-settings.ts'

// Statements that are sent ahead of a user's statement and remove everything that an earlier statement left on the session.

/**
 * Prepared once per connection, and sent before every statement outside of a transaction. It resets all settings that a SELECT may have
 * made for the session. It does not reset the role, which the context statement sets, nor the state that {@link FORGET_STATEMENT} and the
 * context's `switch` forms reset.
 */
export const RESET_STATEMENT = 'partywall_reset'
const RESET_TEXT = 'reset all'

/** Prepared once per connection, and sent when the user changes. Afterwards `currval` and `lastval` have no values. */
export const FORGET_STATEMENT = 'partywall_forget'
const FORGET_TEXT = 'discard sequences'

/**
 * The properties that a transaction begins with. A tenant can change their defaults for the session, and the implicit transaction of RESET
 * ALL has already begun with the changed defaults. So the properties are set again. SET TRANSACTION is not used, because it warns outside
 * of a transaction block.
 */
export interface TransactionStart {
  readonly isolation: Isolation
  readonly readOnly: 'on' | 'off'
  readonly deferrable: 'on' | 'off'
}

export type Isolation = (typeof ISOLATIONS)[number]
const ISOLATIONS = ['read uncommitted', 'read committed', 'repeatable read', 'serializable'] as const

export function isIsolation(value: string): value is Isolation {
  return ISOLATIONS.some((known) => known === value)
}

/** The name of the prepared statement that sets one part of a transaction's start. */
export function startStatement(part: 'isolation' | 'read_only' | 'deferrable', value: string): string {
  return `partywall_${part}_${value.replace(' ', '_')}`
}

const STARTS: readonly PreparedText[] = [
  ...ISOLATIONS.map((value) => ({
    name: startStatement('isolation', value),
    text: `set transaction_isolation to '${value}'`,
  })),
  ...(['read_only', 'deferrable'] as const).flatMap((part) =>
    ['on', 'off'].map((value) => ({ name: startStatement(part, value), text: `set transaction_${part} to ${value}` })),
  ),
]

/** The clean-up statements that a connection prepares. None behind a transaction pooler. */
export function resetStatements(settings: WallSettings): readonly PreparedText[] {
  if (settings.pooler) return []
  return [{ name: RESET_STATEMENT, text: RESET_TEXT }, { name: FORGET_STATEMENT, text: FORGET_TEXT }, ...STARTS]
}

/** A statement that a connection prepares under a name of ours. */
export interface PreparedText {
  readonly name: string
  readonly text: string
  readonly types?: readonly number[]
}

/**
 * Statements that are prepared if `onConnect` changed session settings. Each sets one of these settings again after RESET ALL. They use
 * SET, because set_config() would take a snapshot, and `begin isolation level serializable` could not follow.
 */
export function restoreStatements(settings: readonly SessionSetting[], time: number): readonly PreparedText[] {
  return settings.map(({ name, setting }, place) => {
    const quoted = name.split('.').map((part) => pg.escapeIdentifier(part))
    return {
      name: `partywall_restore_${time}_${place}`,
      text: `set ${quoted.join('.')} to ${pg.escapeLiteral(setting)}`,
    }
  })
}

/** The session's own settings, read before the first tenant; without the settings that partywall sets itself. */
export const SESSION_SETTINGS_TEXT =
  "select name, setting from pg_catalog.pg_settings where source = 'session' and context in ('user', 'superuser') " +
  "and name not in ('search_path', 'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'role', 'session_authorization', 'seed')"

export interface SessionSetting {
  readonly name: string
  readonly setting: string
}

/** Settings that partywall decides for the whole session, and that RESET ALL must restore. */
export function startupSettings(settings: WallSettings): ReadonlyMap<string, string> {
  return new Map([
    ['search_path', settings.searchPath],
    ['statement_timeout', String(settings.statementTimeoutMs)],
    ['lock_timeout', String(settings.lockTimeoutMs)],
    ...(settings.idleInTransactionTimeoutMs === 0
      ? []
      : [['idle_in_transaction_session_timeout', String(settings.idleInTransactionTimeoutMs)] as const]),
  ])
}

/**
 * The start-up options of a connection. RESET ALL returns to these values, and they have priority over values stored for a role or a
 * database.
 *
 * @param own the application's own start-up options, which name none of these settings
 * @see PostgreSQL "Message Formats", StartupMessage: `options`
 */
export function startupOptions(settings: WallSettings, own: string | undefined): string {
  const ours = [...startupSettings(settings)].map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
  return [...(own ? [own] : []), ...ours].join(' ')
}
