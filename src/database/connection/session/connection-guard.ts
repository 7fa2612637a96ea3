import { type ContextFrame, internalsOf } from '../../../context/frame.ts'
import { ConnectionInDoubtError } from '../../../errors.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import { leavesResidue } from '../../statement/command-tags.ts'
import { carriesData } from '../../statement/statement-effects.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'
import type { PgConnection } from '../../wire/pg-internals.ts'
import {
  type CancelRequest,
  type ConnectionFate,
  discardedFor,
  requestEnded,
  requestUnderWay,
  USABLE,
  withRequest,
} from './connection-fate.ts'
import type { IdentityReader } from './context-identity.ts'
import { isUnnamed } from './context-statement.ts'
import { type PrefixPlace, PrefixWriter } from './prefix-writer.ts'
import { isolationError, refuseFrame, refuseStatement } from './refusals.ts'
import { ReportedParameters } from './reported-parameters.ts'
import type { FrontBytes } from './session-fronts.ts'
import {
  beginFor,
  cleaned,
  hasContext,
  isUntouched,
  OPENING,
  type SessionState,
  setUp,
  tenantOn,
  withContext,
  withResidue,
} from './session-state.ts'
import { TransactionTimeOuts } from './transaction-time-outs.ts'

/** The status of ReadyForQuery: idle, in a transaction, or in an aborted transaction; null before the first ReadyForQuery. */
type TransactionStatus = 'I' | 'T' | 'E' | null

/**
 * Work that must be done on a connection before its next statement. `remember` reads the session's settings. A statement without a tenant
 * may still change these settings. So they are read provisionally before such a statement (`remember-for-now`), and once more before the
 * first tenant's statement.
 */
export type Chore = 'wait' | 'discard' | 'remember' | 'remember-for-now'

/**
 * Keeps track of the tenants on one connection: who has checked it out, whose transaction is open, which context the server has, and
 * whether another tenant may use it afterwards.
 */
export class ConnectionGuard {
  readonly settings: WallSettings
  readonly prefix: PrefixWriter
  /** The tenant that the client was checked out for. */
  owner: string | undefined
  /** Statements accepted and not finished. */
  inFlight = 0
  /** Whether texts may be prepared under names of ours, which serve all tenants. Known once the session is set up. */
  mayPrepare = false
  /** A failed query that waits for the server to be ready. */
  awaiting: { connectionLost(): void } | undefined
  /** Number of set-up statements that ran since the session's settings were last read. */
  freeStatements = 0
  #session: SessionState = OPENING
  #fate: ConnectionFate = USABLE
  readonly #parameters = new ReportedParameters()
  readonly #timeOuts = new TransactionTimeOuts()

  constructor(settings: WallSettings, identities: IdentityReader) {
    this.settings = settings
    this.prefix = new PrefixWriter(settings, identities)
  }

  /** Called when the session is set up: from now on each statement belongs to a context. */
  opened(): void {
    this.#session = setUp(this.#session)
    this.#parameters.watch(true)
  }

  /** The reason why this connection must not be used again; undefined if it may be used. */
  get discardedFor(): string | undefined {
    return this.#fate.name === 'discarded' ? this.#fate.reason : undefined
  }

  /** Marks the connection so that it is not used again once it is free. The first reason is kept. */
  discard(reason: string): void {
    this.#fate = discardedFor(this.#fate, reason)
  }

  /** The cancel request that is under way, if any. Nothing else may be sent before it has ended. */
  get cancelling(): CancelRequest | undefined {
    return requestUnderWay(this.#fate)
  }

  /** Called when a cancel request was sent for the statement that this connection runs. */
  cancelSent(request: CancelRequest): void {
    this.#fate = withRequest(this.#fate, request)
  }

  cancelEnded(request: CancelRequest, delivered: boolean): void {
    this.#fate = requestEnded(this.#fate, request, delivered)
  }

  /** Whether a statement may have left something that only DISCARD ALL removes. */
  get inDoubt(): boolean {
    return this.#session.name === 'in-doubt'
  }

  leftResidue(): void {
    this.#session = withResidue(this.#session)
  }

  /** Called when the server has acknowledged DISCARD ALL: nothing of any tenant is left. */
  cleaned(): void {
    this.#session = cleaned(this.#session)
    this.prefix.cleaned()
  }

  /** Whether the transaction's context is in force. COPY TO needs that, because no context can be sent before it. */
  get contextInForce(): boolean {
    return hasContext(this.#session)
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
    // On a connection that no tenant has used, an ORM's start-up statements in an empty context are allowed, like those of onConnect.
    if (isUntouched(this.#session) && internalsOf(frame).kind === 'none' && kind === 'other') {
      this.freeStatements++
      return undefined
    }
    return refuseStatement(kind, text, this.settings)
  }

  /** The work that must be done before this frame's next statement may be sent. Usually none. */
  choreBefore(frame: ContextFrame, status: TransactionStatus): Chore | undefined {
    if (this.cancelling !== undefined) return 'wait'
    // Inside a transaction parameters may differ from the session's, and nothing of ours can be sent.
    if (status !== 'I') return undefined
    if (this.freeStatements > 0) return frame.tenantId === '' ? 'remember-for-now' : 'remember'
    // Our pool cleans at release. Libraries with pools of their own do not tell when a client changes hands, so clean here.
    if (!this.inDoubt && this.#parameters.changed === undefined) return undefined
    return this.inFlight === 1 && tenantOn(this.#session) !== frame.tenantId ? 'discard' : undefined
  }

  /** Binds a transaction to its tenant, just before a statement is sent. If it returns an error, nothing is sent. */
  admit(frame: ContextFrame, status: TransactionStatus): Error | undefined {
    const unusable = refuseFrame(frame, this.settings) ?? this.#refuseUnready(frame, status)
    if (unusable !== undefined) return unusable
    if ((status !== 'T' && status !== 'E') || this.settings.shared) {
      this.#session = beginFor(this.#session, frame.tenantId)
      this.#timeOuts.clear()
      this.prefix.begins()
      return undefined
    }
    const tenantId = tenantOn(this.#session)
    if (tenantId === frame.tenantId) return undefined
    return isolationError(
      frame,
      tenantId ?? '',
      this.settings,
      'A transaction that was begun for one tenant was used in the context of another.',
    )
  }

  /** The error if the session is not ready for this tenant's statement. Checked just before it is written. */
  #refuseUnready(frame: ContextFrame, status: TransactionStatus): Error | undefined {
    if (this.#session.name === 'opening') {
      return new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.')
    }
    // This statement was queued behind another tenant's statement, so the clean-up of an idle connection did not run before it.
    if (!this.inDoubt || status !== 'I' || this.settings.shared || tenantOn(this.#session) === frame.tenantId)
      return undefined
    return new ConnectionInDoubtError(
      'A statement of another tenant left something on this connection, and this one was queued behind it; nothing was sent.',
    )
  }

  /**
   * Writes the prefix of a statement: everything that must reach the server before it.
   *
   * @returns how many answers (CommandComplete) belong to it and not to the statement
   */
  writePrefix(
    connection: PgConnection,
    frame: ContextFrame,
    { kind, text }: { readonly kind: StatementKind; readonly text: unknown },
    status: TransactionStatus,
  ): number {
    const { prefix } = this
    if (prefix.bytes === undefined)
      throw new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.')
    prefix.starts()
    // A pipelined connection's status is that of an earlier answer, and no transaction is ever open on it.
    const open = (status === 'T' || status === 'E') && !this.settings.shared
    // SHOW outside of a transaction reads the session's settings, so it needs the tenant's context as well.
    if (!carriesData(kind) && (open || kind !== 'show')) {
      if (!open) return prefix.writeBegin(connection, kind)
      this.#controls(kind, String(text))
      return 0
    }
    if (open && status === 'E') return 0
    return prefix.writeContext(connection, frame, this.#placeOf(open))
  }

  /** The prefix of a statement with data, as bytes that the caller sends at once; undefined if {@link writePrefix} must write it. */
  prefixBytes(frame: ContextFrame, status: TransactionStatus): FrontBytes | undefined {
    const { prefix, settings } = this
    if (prefix.bytes === undefined || status === 'E' || isUnnamed(settings)) return undefined
    prefix.starts()
    return prefix.contextBytes(frame, this.#placeOf(status === 'T'))
  }

  #placeOf(open: boolean): PrefixPlace {
    return { open, contextInForce: this.contextInForce, own: this.#timeOuts.own }
  }

  /** Called when a control statement, such as COMMIT, is sent inside a transaction. */
  #controls(kind: StatementKind, text: string): void {
    this.#timeOuts.sending(kind, text)
    if (kind === 'rollback-to' || kind === 'commit' || kind === 'rollback')
      this.#session = withContext(this.#session, false)
  }

  /** Notes one answer to the prefix; `place` is 0 for the first answer. */
  prefixAnswered(tag: string, place: number): void {
    if (!this.prefix.answered(tag, place)) this.discard('its prepared clean-up statement was gone')
  }

  /** Notes the last answer to the prefix: the context is in force. */
  prefixDone(parse = 0): void {
    if (this.prefix.done(parse)) this.#session = withContext(this.#session, true)
  }

  /** Handles CommandComplete of the user's statement: notes what the statement may have left on the session. */
  commandComplete(tag: string, kind: StatementKind): void {
    if (kind === 'set-local' && tag.startsWith('SET')) this.#timeOuts.done()
    if (this.freeStatements > 0 || (kind !== 'other' && !leavesResidue(tag))) return
    // SET LOCAL and SET TRANSACTION end with the transaction.
    if (tag.startsWith('SET') && (kind === 'set-local' || kind === 'set-transaction')) return
    this.leftResidue()
    // On a shared connection, statements of other tenants were sent already. It can't be cleaned, only discarded.
    if (this.settings.shared) this.discard('a statement on a shared connection left something behind')
  }

  /** Notes a parameter that the server reports. When the connection is idle, each must have the session's own value again. */
  parameterStatus(name: string, value: string): void {
    // A shared connection has no clean-up between tenants.
    if (this.#parameters.report(name, value) && this.settings.shared)
      this.discard(`the session parameter ${name} was changed by a statement`)
  }

  /** Starts to watch the reported parameters. Values reported before are the session's own. */
  watchParameters(on: boolean): void {
    this.#parameters.watch(on)
  }

  /** The reason why no other tenant may use the connection; undefined if another tenant may use it. */
  unfit(status: TransactionStatus): string | undefined {
    if (this.discardedFor !== undefined) return this.discardedFor
    if (this.inFlight > 0) return 'statements were still running or queued at its release'
    if (status !== 'I') return 'a transaction was left open at its release'
    const { changed } = this.#parameters
    return changed === undefined ? undefined : `the session parameter ${changed} was changed by a statement`
  }
}
