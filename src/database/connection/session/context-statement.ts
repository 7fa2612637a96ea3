import pg from 'pg'
import type { WallSettings } from '../../settings/wall-settings.ts'
import type { ContextIdentity } from './context-identity.ts'
import { startupSettings } from './session-reset.ts'

/**
 * The forms of the context statement. Each form sets tenant, seal and role, which are its first parameters.
 *
 * - `identity` sets nothing else. This is enough if RESET ALL has restored the connection's start-up options. It is also used for the first
 *   statement of a transaction, so that a user's own `SET LOCAL` stays.
 * - `full` also sets search_path and time-outs. It is used if RESET ALL is not sent (behind a pooler), or restores other values.
 * - `timed` also sets the time-outs, from parameters. It precedes the later statements of a transaction: nothing else there would restore
 *   time-outs that a SELECT removed.
 * - `switch` also releases advisory locks and gives `random()` a new seed, from a parameter. It is used if the connection served another
 *   user before.
 * - `placed` also sets search_path, from a parameter: for a tenant with a schema of its own. A statement without a name is always of this
 *   form, so that it stays parsed if tenants with and without a schema follow each other.
 * - `read-only` also sets `transaction_read_only`, which can't be set to off inside a read-only transaction.
 */
export type ContextForm =
  | `${'identity' | 'full'}${'' | '-switch'}${'' | '-placed'}${'' | '-read-only'}`
  | `timed${'' | '-placed'}${'' | '-read-only'}`

/** The forms that a connection needs. If its start-up options are in force, it never needs a `full` form. */
export function contextForms(base: 'identity' | 'full'): readonly ContextForm[] {
  if (base === 'identity')
    return [...formsOf(base), 'timed', 'timed-read-only', 'timed-placed', 'timed-placed-read-only']
  return formsOf(base)
}

function formsOf(base: 'identity' | 'full'): readonly ContextForm[] {
  return (['', '-placed'] as const).flatMap((place) =>
    (['', '-read-only'] as const).flatMap((mode): ContextForm[] => [
      `${base}${place}${mode}`,
      `${base}-switch${place}${mode}`,
    ]),
  )
}

/**
 * Whether the context statement has no name: behind a pooler, and on a shared connection, where a tenant could prepare another statement
 * under its name.
 */
export function isUnnamed(settings: WallSettings): boolean {
  return settings.pooler || settings.shared
}

/** The name under which a connection prepares one form; '' if it has none. */
export function contextStatementName(form: ContextForm, settings: WallSettings): string {
  return isUnnamed(settings) ? '' : `partywall_context_${form}`
}

/**
 * The text of the context statement. Only this function knows how a tenant is passed to PostgreSQL.
 *
 * `num_nulls(…) = -1` is never true. So the statement evaluates all of its settings and returns no row, and the seal is not sent back. All
 * names and the operator are qualified, because a tenant may have changed the session's search_path before the statement is planned.
 */
export function contextStatement(form: ContextForm, settings: WallSettings): string {
  const placed = form.includes('placed')
  const next = placed ? 5 : 4
  const parts = [
    ...(form.includes('switch') ? takenBack(next) : []),
    setting(settings.settingName, '$1::pg_catalog.text'),
    setting('app.tenant_seal', '$2::pg_catalog.text'),
    setting('role', '$3::pg_catalog.text'),
    ...(placed ? [setting('search_path', '$4::pg_catalog.text')] : []),
  ]
  if (form.startsWith('full')) {
    for (const [name, value] of startupSettings(settings)) {
      if (!placed || name !== 'search_path') parts.push(setting(name, pg.escapeLiteral(value)))
    }
  }
  if (form.startsWith('timed')) parts.push(timed('statement_timeout', next), timed('lock_timeout', next + 1))
  if (form.endsWith('read-only')) parts.push(setting('transaction_read_only', "'on'"))
  return `select where pg_catalog.num_nulls(${parts.join(', ')}) operator(pg_catalog.=) -1`
}

/** Resets state of another user that RESET ALL does not reset: advisory locks and random(). The seed is the last parameter. */
function takenBack(place: number): readonly string[] {
  return ['pg_catalog.pg_advisory_unlock_all()', `pg_catalog.setseed($${place}::pg_catalog.float8)`]
}

/** Sets a timeout from a parameter. NULL keeps the current value, because set_config(NULL) would set the start-up value. */
function timed(name: string, place: number): string {
  const quoted = pg.escapeLiteral(name)
  return setting(name, `coalesce($${place}::pg_catalog.text, pg_catalog.current_setting(${quoted}))`)
}

/** The types of a form's parameters: tenant, seal, role, the path (`placed`), then the two time-outs (`timed`) or the seed (`switch`). */
export function contextTypes(form: ContextForm): readonly number[] {
  const first = [TEXT_OID, TEXT_OID, TEXT_OID, ...(form.includes('placed') ? [TEXT_OID] : [])]
  if (form.startsWith('timed')) return [...first, TEXT_OID, TEXT_OID]
  return form.includes('switch') ? [...first, FLOAT8_OID] : first
}

const TEXT_OID = 25
const FLOAT8_OID = 701

/** The context of an unsealed pool as text, for the simple protocol. */
export function contextText(identity: ContextIdentity, settings: WallSettings): string {
  const values = [identity.tenantId, '', identity.role, identity.path]
  const form = identity.readOnly ? 'full-placed-read-only' : 'full-placed'
  return contextStatement(form, settings).replace(/\$([1234])::/g, (_, place: string) => {
    return `${pg.escapeLiteral(values[Number(place) - 1] ?? '')}::`
  })
}

function setting(name: string, value: string): string {
  return `pg_catalog.set_config(${pg.escapeLiteral(name)}, ${value}, true)`
}
