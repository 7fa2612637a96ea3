/** How the action ended. */
export type AuditOutcome = 'success' | 'failure' | 'denied'

/** An event as a caller reports it. It has no tenant, user, actor or time: the server takes these from the verified seal. */
export interface AuditInput {
  /** The action: `DELETE_USER`, `invoice.deleted`. At most 128 characters. */
  readonly action: string
  /** The kind of the changed object: `users`. */
  readonly resource?: string | undefined
  readonly resourceId?: string | undefined
  /**
   * Facts about the action. Values are redacted if their names look like secrets; at most 8 KiB are kept. Put personal data into `private`
   * instead.
   */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  /** How the action ended; default `success`. */
  readonly outcome?: AuditOutcome | undefined
  /** The client's address, as the framework reports it. */
  readonly ip?: string | undefined
  readonly userAgent?: string | undefined
  /** Default: the request id of the tenant context. */
  readonly requestId?: string | undefined
  /** Personal values that must be erasable; the signed log keeps only a salted commitment to them. */
  readonly private?: Readonly<Record<string, unknown>> | undefined
  /** The person that the values in `private` are about; default: the context's user. `partywall.audit_erase()` finds them by this id. */
  readonly privateSubject?: string | undefined
}

/** One event of the log. */
export interface AuditEvent {
  readonly id: string
  /** `''` in the system stream. */
  readonly tenantId: string
  readonly userId: string | undefined
  readonly action: string
  readonly resource: string | undefined
  readonly resourceId: string | undefined
  readonly details: Readonly<Record<string, unknown>>
  readonly outcome: AuditOutcome
  readonly actor: { readonly id: string; readonly type?: string; readonly reason?: string } | undefined
  /** The level of the session that wrote the event: `tenant_user`, `tenant_admin`, `system`, `database`, `unsealed`. */
  readonly role: string
  readonly requestId: string | undefined
  readonly ip: string | undefined
  readonly userAgent: string | undefined
  /** The time of writing by the server's clock, ISO 8601 with microseconds. */
  readonly timestamp: string
}

/** The part of `query` that tenant pools, transactions and `pg` have in common. */
export interface AuditQueryable {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: readonly unknown[]; readonly rowCount?: number | null }>
}

/** The tenant pool, as the audit uses it. */
export interface AuditPool extends AuditQueryable {
  transaction<T>(fn: (transaction: AuditQueryable) => Promise<T>): Promise<T>
}

/** Actions that raise an alert, and that are refused if their event can't be written. */
export const SENSITIVE_ACTIONS: readonly string[] = Object.freeze([
  'DELETE_USER',
  'CHANGE_PERMISSIONS',
  'EXPORT_DATA',
  'API_KEY_CREATE',
  'TENANT_SETTINGS_CHANGE',
])
