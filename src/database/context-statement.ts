import pg from 'pg'
import type { ContextIdentity } from './context-identity.ts'
import type { WallSettings } from './wall-settings.ts'

/**
 * The forms of the context statement. All take the same three parameters: tenant, seal, role.
 *
 * - `full`: every pin; in front of a single query and of the first statement of a transaction that touches data
 * - `identity`: tenant, seal and role alone; in front of the later ones, so that a user's own `SET LOCAL` stays
 * - `switch`: `full`, and advisory locks of the connection's last tenant are given back
 * The read-only forms add `transaction_read_only`, which can't be set to off inside a read-only transaction.
 */
export type ContextForm = 'full' | 'identity' | 'switch' | 'full-read-only' | 'identity-read-only' | 'switch-read-only'

export const CONTEXT_FORMS: readonly ContextForm[] = [
  'full',
  'identity',
  'switch',
  'full-read-only',
  'identity-read-only',
  'switch-read-only',
]

/** Whether the context statement has no name: behind a pooler, and where one tenant could prepare another under its name. */
export function isUnnamed(settings: WallSettings): boolean {
  return settings.pooler || settings.shared
}

/** The name under which a connection prepares one form; '' where it has none. */
export function contextStatementName(form: ContextForm, settings: WallSettings): string {
  return isUnnamed(settings) ? '' : `partywall_context_${form}`
}

/**
 * The text of the context statement: the one place that knows how a tenant is told to PostgreSQL.
 *
 * `concat(…) is null` is never true, so that the statement evaluates all of its settings and answers without a row: the seal
 * does not travel back. All names are qualified and there is no operator: the session's path may be poisoned when it is planned.
 */
export function contextStatement(form: ContextForm, settings: WallSettings): string {
  // RESET ALL leaves the role alone; what a SELECT made of it for the session ends here.
  const role = form.startsWith('switch') ? ["pg_catalog.set_config('role', 'none', false)"] : []
  const pins = [
    ...role,
    setting(settings.settingName, '$1::pg_catalog.text'),
    setting('app.tenant_seal', '$2::pg_catalog.text'),
    setting('role', '$3::pg_catalog.text'),
  ]
  if (!form.startsWith('identity')) {
    pins.push(
      setting('search_path', pg.escapeLiteral(settings.searchPath)),
      setting('statement_timeout', pg.escapeLiteral(String(settings.statementTimeoutMs))),
      setting('lock_timeout', pg.escapeLiteral(String(settings.lockTimeoutMs))),
    )
  }
  if (form.endsWith('read-only')) pins.push(setting('transaction_read_only', "'on'"))
  if (form.startsWith('switch')) pins.push('pg_catalog.pg_advisory_unlock_all()::pg_catalog.text')
  return `select where pg_catalog.concat(${pins.join(', ')}) is null`
}

/** The context of an unsealed pool as text, for the simple protocol. */
export function contextText(identity: ContextIdentity, settings: WallSettings): string {
  const values = [identity.tenantId, '', identity.role]
  const form = identity.readOnly ? 'full-read-only' : 'full'
  return contextStatement(form, settings).replace(/\$([123])::/g, (_, place: string) => {
    return `${pg.escapeLiteral(values[Number(place) - 1] ?? '')}::`
  })
}

function setting(name: string, value: string): string {
  return `pg_catalog.set_config(${pg.escapeLiteral(name)}, ${value}, true)`
}
