import { type ContextFrame, internalsOf } from '../context/frame.ts'
import { bindExecute } from './bind-execute.ts'
import { leavesResidue } from './command-tags.ts'
import type { ContextBytes } from './context-bytes.ts'
import type { IdentityReader } from './context-identity.ts'
import type { ContextForm } from './context-statement.ts'
import { contextStatement, isUnnamed } from './context-statement.ts'
import type { PgConnection } from './pg-internals.ts'
import { isolationError, refuseFrame, refuseStatement } from './refusals.ts'
import { RESET_STATEMENT, RESTORE_STATEMENT } from './session-reset.ts'
import { carriesData } from './statement-effects.ts'
import type { StatementKind } from './statement-kind.ts'
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
  awaiting: { connectionLost(): void } | undefined
  /** A cancel request is under way; true when it was delivered for certain. Nothing else may be sent before. */
  cancelling: Promise<boolean> | undefined
  /** Statements of set-up whose session settings have not been read yet. */
  freeStatements = 0
  /** Session settings that `onConnect` made, to be made again after RESET ALL. */
  sessionSettings: readonly (readonly [name: string, value: string])[] = []

  #transactionTenant: string | undefined
  #pinned = false
  #servedTenant = false
  #residueOf: string | undefined
  #resetSent = false
  #unlockDue = false
  /** Of a shared connection: the form that its unnamed statement holds for certain, acknowledged by the server. */
  #held: ContextForm | undefined
  /** From this Parse of ours on, nothing but the same text was written to the unnamed statement; 0 where there is none. */
  #oursSince = 0
  #oursForm: ContextForm | undefined
  #parses = 0
  /** The Parse that the last prefix began with; 0 where it needed none. */
  lastParse = 0
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
      return isolationError(
        frame,
        this.owner,
        this.settings,
        'A client that was checked out for one tenant was used in the context of another.',
      )
    }
    // What an ORM runs in an empty context on a connection that no tenant has used is as free as onConnect.
    if (!this.#servedTenant && internalsOf(frame).kind === 'none' && kind === 'other') {
      this.freeStatements++
      return undefined
    }
    return refuseStatement(kind, text, this.settings)
  }

  /** What must be done before this frame's next statement may be sent; nearly always nothing. */
  choreBefore(frame: ContextFrame, status: TransactionStatus): 'wait' | 'discard' | 'remember' | undefined {
    if (this.cancelling !== undefined) return 'wait'
    // Inside a transaction parameters may differ from the session's, and nothing of ours can be sent.
    if (status !== 'I') return undefined
    if (this.freeStatements > 0 && frame.tenantId !== '') return 'remember'
    // A pool cleans at release. Here are clients of libraries that keep their own pools and never tell.
    if (!this.dirty && this.#drifted.size === 0) return undefined
    return this.inFlight === 1 && this.#transactionTenant !== frame.tenantId ? 'discard' : undefined
  }

  /** Binds a transaction to its tenant, just before a statement is sent. An error means that nothing is sent. */
  admit(frame: ContextFrame, status: TransactionStatus): Error | undefined {
    const unusable = refuseFrame(frame, this.settings)
    if (unusable !== undefined) return unusable
    if (frame.tenantId !== '') this.#servedTenant = true
    if ((status !== 'T' && status !== 'E') || this.settings.shared) {
      this.#transactionTenant = frame.tenantId
      this.#pinned = false
      this.#unlockDue = false
      return undefined
    }
    if (this.#transactionTenant === frame.tenantId) return undefined
    return isolationError(
      frame,
      this.#transactionTenant ?? '',
      this.settings,
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
    // A pipelined connection's status is that of an earlier answer, and no transaction is ever open on it.
    if ((status === 'E' && !this.settings.shared) || this.bytes === undefined) return 0
    const inTransaction = status === 'T' && !this.settings.shared
    const reset = !inTransaction && this.#mustReset(frame)
    let sent = reset ? this.#resetBegun(connection) : 0
    const identity = this.identities.of(frame)
    const base = inTransaction && this.#pinned ? 'identity' : this.#unlockDue ? 'switch' : 'full'
    const form: ContextForm = identity.readOnly ? `${base}-read-only` : base
    this.lastParse = isUnnamed(this.settings) ? this.#parseUnnamed(connection, form) : 0
    // One chunk fewer in the write.
    const behind = reset && sent === 0 ? RESET_BYTES : undefined
    if (behind !== undefined) sent = 1
    connection.stream.write(this.bytes.of(identity, form, behind))
    return sent + 1
  }

  /**
   * The last answer of the prefix has come: the context is in force.
   *
   * @param parse the Parse that the prefix began with; 0 where it needed none
   */
  prefixDone(kind: StatementKind, parse = 0): void {
    if (!carriesData(kind)) return
    // All that was written to the unnamed statement since is the same text: it holds what later statements may bind.
    if (this.settings.shared && parse > 0 && this.#oursSince > 0 && parse >= this.#oursSince)
      this.#held = this.#oursForm
    this.#pinned = true
    this.#unlockDue = false
  }

  /** Somebody else's text was written to the unnamed statement, or an error leaves open what it holds. */
  unnamedInDoubt(): void {
    this.#held = undefined
    this.#oursSince = 0
  }

  /** The server says what it did. */
  commandComplete(tag: string, kind: StatementKind): void {
    if (!leavesResidue(tag) || this.freeStatements > 0) return
    // Local to the transaction, by the statement's exact beginning.
    if (tag.startsWith('SET') && (kind === 'set-local' || kind === 'set-transaction')) return
    this.dirty = true
    // Others' statements are on their way already: it can't be cleaned, only left.
    if (this.settings.shared) this.doomed ??= 'a statement on a shared connection left something behind'
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
    else {
      this.#drifted.add(name)
      // No clean-up stands between tenants here: with another's encoding or time zone the next would read and write wrong values.
      if (this.settings.shared) this.doomed ??= `the session parameter ${name} was changed by a statement`
    }
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

  /**
   * The context statement where it has no name: parsed again in front of each statement behind a pooler; on a shared connection
   * only until the server has acknowledged it, and again after anybody else's Parse. A Bind that relied on it in error fails.
   */
  #parseUnnamed(connection: PgConnection, form: ContextForm): number {
    if (this.settings.shared && this.#held === form) return 0
    connection.parse({ text: contextStatement(form, this.settings), types: [25, 25, 25] })
    const parse = ++this.#parses
    if (this.#oursSince === 0 || this.#oursForm !== form) this.#oursSince = parse
    this.#oursForm = form
    this.#held = undefined
    return parse
  }

  #mustReset(frame: ContextFrame): boolean {
    return this.#residueOf !== undefined && this.#residueOf !== frame.tenantId && !isUnnamed(this.settings)
  }

  #writeReset(connection: PgConnection): number {
    const sent = this.#resetBegun(connection)
    if (sent > 0) return sent
    connection.stream.write(RESET_BYTES)
    return 1
  }

  /** Writes the clean-up where session settings must be made again; 0 where {@link RESET_BYTES} alone is all of it. */
  #resetBegun(connection: PgConnection): number {
    this.#resetSent = true
    this.#unlockDue = true
    if (this.sessionSettings.length === 0) return 0
    connection.stream.write(RESET_BYTES)
    const names = this.sessionSettings.map(([name]) => name)
    const values = this.sessionSettings.map(([, value]) => value)
    connection.stream.write(bindExecute(RESTORE_STATEMENT, [JSON.stringify(names), JSON.stringify(values)]))
    return 2
  }
}
