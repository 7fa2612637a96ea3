import { type ContextFrame, internalsOf } from '../context/frame.ts'
import { StatementRefusedError, TenantContextMissingError, TenantIsolationError } from '../errors.ts'
import { bindExecute } from './bind-execute.ts'
import { leavesResidue } from './command-tags.ts'
import type { ContextBytes } from './context-bytes.ts'
import type { IdentityReader } from './context-identity.ts'
import type { ContextForm } from './context-statement.ts'
import { contextStatement } from './context-statement.ts'
import type { PgConnection } from './pg-internals.ts'
import { RESET_STATEMENT, RESTORE_STATEMENT } from './session-reset.ts'
import { type StatementKind, statementCommand } from './statement-kind.ts'
import type { WallSettings } from './wall-settings.ts'

/** The status of ReadyForQuery: idle, in a transaction, in an aborted one; null before the first. */
export type TransactionStatus = 'I' | 'T' | 'E' | null

/** No tenant's id: residue of a connection whose clean-up was rolled back. */
const SOMEBODY = '\u0000somebody'

const RESET_BYTES = bindExecute(RESET_STATEMENT, [])

/**
 * What one connection knows about the tenants on it: whose checkout and whose transaction it is, what was told to the server,
 * and whether it may serve anybody else afterwards.
 */
export class ConnectionGuard {
  readonly settings: WallSettings
  readonly identities: IdentityReader
  /** Set once the connection has prepared the context statement. */
  bytes: ContextBytes | undefined
  /** The tenant that the client was checked out for. */
  owner: string | undefined
  /** Statements accepted and not finished. */
  inFlight = 0
  /** Why this connection must not be used again. */
  doomed: string | undefined
  /** A statement may have left something that DISCARD ALL takes away. */
  dirty = false
  /** A failed query that waits for the server to be ready. */
  awaiting: { finish(): void; answer(): void } | undefined
  /** Session settings that `onConnect` made, to be made again after RESET ALL. */
  sessionSettings: readonly (readonly [name: string, value: string])[] = []

  #transactionTenant: string | undefined
  #pinned = false
  #servedTenant = false
  #residueOf: string | undefined
  #resetSent = false
  #unlockDue = false
  readonly #reported = new Map<string, string>()
  readonly #drifted = new Set<string>()
  #watching = false

  constructor(settings: WallSettings, identities: IdentityReader) {
    this.settings = settings
    this.identities = identities
  }

  /** Refuses what must not be sent, when `query()` is called. */
  refuse(frame: ContextFrame | undefined, kind: StatementKind, text: string): Error | undefined {
    const unusable = refuseFrame(frame, this.settings)
    if (unusable !== undefined || frame === undefined) return unusable
    if (this.owner !== undefined && this.owner !== frame.tenantId) {
      return this.#isolation(
        frame,
        this.owner,
        'A client that was checked out for one tenant was used in the context of another.',
      )
    }
    if (kind === 'other' || kind === 'copy-from') return this.#refuseStatement(frame, kind, text)
    return undefined
  }

  /** Binds a transaction to its tenant, just before a statement is sent. An error means that nothing is sent. */
  admit(frame: ContextFrame, status: TransactionStatus): Error | undefined {
    if (frame.tenantId !== '') this.#servedTenant = true
    if (status !== 'T' && status !== 'E') {
      this.#transactionTenant = frame.tenantId
      this.#pinned = false
      this.#unlockDue = false
      return undefined
    }
    const { settings } = this
    const scope = refuseFrame(frame, settings)
    if (scope !== undefined) return scope
    if (this.#transactionTenant === frame.tenantId) return undefined
    return this.#isolation(
      frame,
      this.#transactionTenant ?? '',
      'A transaction that was begun for one tenant was used in the context of another.',
    )
  }

  /**
   * Writes what has to reach the server before a statement.
   *
   * @returns how many answers (CommandComplete) belong to it and not to the statement
   */
  writePrefix(connection: PgConnection, frame: ContextFrame, kind: StatementKind, status: TransactionStatus): number {
    if (!carriesData(kind)) return this.#beforeControl(connection, frame, kind, status)
    if (status === 'E' || this.bytes === undefined) return 0
    const inTransaction = status === 'T'
    let sent = 0
    if (!inTransaction && this.#mustReset(frame)) sent += this.#writeReset(connection)
    const identity = this.identities.of(frame)
    const base = inTransaction && this.#pinned ? 'identity' : this.#unlockDue ? 'switch' : 'full'
    const form: ContextForm = identity.readOnly ? `${base}-read-only` : base
    if (this.settings.pooler) connection.parse({ text: contextStatement(form, this.settings), types: [25, 25, 25] })
    connection.stream.write(this.bytes.of(identity, form))
    return sent + 1
  }

  /** The last answer of the prefix has come: the context is in force. */
  prefixDone(kind: StatementKind): void {
    if (!carriesData(kind)) return
    this.#pinned = true
    this.#unlockDue = false
  }

  /** The server says what it did. */
  commandComplete(tag: string, kind: StatementKind): void {
    if (!leavesResidue(tag)) return
    // Local to the transaction, by the statement's exact beginning.
    if (tag.startsWith('SET') && (kind === 'set-local' || kind === 'set-transaction')) return
    this.dirty = true
  }

  /** A statement has ended and the server is ready. */
  finished(frame: ContextFrame, ok: boolean, status: TransactionStatus): void {
    if (status === 'T' || status === 'E') return
    if (this.#resetSent) {
      this.#residueOf = ok ? frame.tenantId : SOMEBODY
      this.#resetSent = false
    } else this.#residueOf ??= frame.tenantId
  }

  /** Whether the context of a transaction is in force right now; COPY TO has no room for it in front. */
  get pinned(): boolean {
    return this.#pinned
  }

  /** A parameter that the server reports; after {@link watchParameters} each must be back at its first value when the connection is idle. */
  parameterStatus(name: string, value: string): void {
    if (!this.#watching) this.#reported.set(name, value)
    else if (this.#reported.get(name) === value) this.#drifted.delete(name)
    else this.#drifted.add(name)
  }

  /** From here on the reported parameters are watched; before, they are the session's own. */
  watchParameters(on: boolean): void {
    this.#watching = on
  }

  /** Why the connection must not go to anybody else; undefined where it may. */
  unfit(status: TransactionStatus): string | undefined {
    if (this.doomed !== undefined) return this.doomed
    if (this.inFlight > 0) return 'statements were still running or queued at its release'
    if (status !== 'I') return 'a transaction was left open at its release'
    const [drifted] = this.#drifted
    return drifted === undefined ? undefined : `the session parameter ${drifted} was changed by a statement`
  }

  /** DISCARD ALL was acknowledged: nothing of any tenant is left. */
  discarded(): void {
    this.dirty = false
    // The session's own settings are gone as well: the next statement must bring them back.
    this.#residueOf = this.sessionSettings.length > 0 ? SOMEBODY : undefined
    this.#resetSent = false
  }

  get pristine(): boolean {
    return !this.#servedTenant
  }

  #beforeControl(
    connection: PgConnection,
    frame: ContextFrame,
    kind: StatementKind,
    status: TransactionStatus,
  ): number {
    if (status === 'T' || status === 'E') {
      if (kind === 'rollback-to' || kind === 'commit' || kind === 'rollback') this.#pinned = false
      return 0
    }
    // RESET ALL takes no snapshot, so that `begin isolation level serializable` may follow; unlocking does, and waits for data.
    if (kind !== 'begin' || !this.#mustReset(frame)) return 0
    return this.#writeReset(connection)
  }

  #mustReset(frame: ContextFrame): boolean {
    return this.#residueOf !== undefined && this.#residueOf !== frame.tenantId && !this.settings.pooler
  }

  #writeReset(connection: PgConnection): number {
    this.#resetSent = true
    this.#unlockDue = true
    connection.stream.write(RESET_BYTES)
    if (this.sessionSettings.length === 0) return 1
    const names = this.sessionSettings.map(([name]) => name)
    const values = this.sessionSettings.map(([, value]) => value)
    connection.stream.write(bindExecute(RESTORE_STATEMENT, [JSON.stringify(names), JSON.stringify(values)]))
    return 2
  }

  #refuseStatement(frame: ContextFrame, kind: StatementKind, text: string): Error | undefined {
    if (kind === 'copy-from') {
      return new StatementRefusedError(
        'COPY … FROM is refused by PostgreSQL on tables with row-level security. Use pool.copyInto(table, rows).',
      )
    }
    const command = statementCommand(text)
    if (this.settings.allowStatements.has(command)) return undefined
    if (this.pristine && frame.tenantId === '') return undefined
    return statementRefused(command)
  }

  #isolation(frame: ContextFrame, bound: string, message: string): TenantIsolationError {
    const { events } = internalsOf(frame)
    const subject = 'userId' in frame ? { userId: frame.userId, requestId: frame.requestId } : {}
    ;(this.settings.events ?? events)?.emit({
      type: 'CROSS_TENANT_ACCESS_ATTEMPT',
      source: 'database',
      tenantId: frame.tenantId,
      attemptedTenantId: bound,
      ...subject,
    })
    return new TenantIsolationError(message, { details: { tenantId: frame.tenantId, boundTenantId: bound } })
  }
}

/** Whether a frame may use connections with these settings at all. */
export function refuseFrame(frame: ContextFrame | undefined, settings: WallSettings): Error | undefined {
  if (frame === undefined) {
    return new TenantContextMissingError(
      'A query was made outside a tenant context; nothing was sent. Call it inside runWithTenant(), or behind tenantContextMiddleware(); for an ORM’s start-up use runWithoutTenant().',
    )
  }
  const { kind, scope, stopped } = internalsOf(frame)
  const stop = stopped?.()
  if (stop !== undefined) return stop
  if (scope !== undefined && !scope.alive()) {
    return new TenantIsolationError(
      'The runAcrossTenants() scope of this work has ended; nothing was sent. Await all of its work inside fn.',
    )
  }
  if ((kind === 'across') === (settings.serves === 'across')) return undefined
  return settings.serves === 'across'
    ? new TenantIsolationError('A connection of a runAcrossTenants() scope was used outside of it.')
    : new TenantContextMissingError(
        'Inside runAcrossTenants() a tenant’s connection needs a nested runWithTenant(); nothing was sent.',
      )
}

/** The refusal of a command that could outlive its transaction. */
export function statementRefused(command: string): StatementRefusedError {
  const shown = /^[A-Z_]{1,40}$/.test(command) ? command : 'This statement'
  return new StatementRefusedError(
    `${shown} is not allowed on tenants’ connections: it could leave something behind for the next tenant. ` +
      `Run it with the migration role, or name it in allowStatements${shown === command ? ` (allowStatements: ['${command}'])` : ''}.`,
  )
}

const WITHOUT_DATA = new Set<StatementKind>([
  'begin',
  'commit',
  'rollback',
  'rollback-to',
  'savepoint',
  'release',
  'set-transaction',
  'set-local',
  'show',
  'empty',
  'copy-from',
])

export function carriesData(kind: StatementKind): boolean {
  return kind === 'data' || !WITHOUT_DATA.has(kind)
}
