import { type ContextFrame, internalsOf } from '../../../context/frame.ts'
import { ConnectionInDoubtError } from '../../../errors.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import { leavesResidue } from '../../statement/command-tags.ts'
import { carriesData } from '../../statement/statement-effects.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'
import type { PgConnection } from '../../wire/pg-internals.ts'
import type { ContextBytes } from './context-bytes.ts'
import type { ContextIdentity, IdentityReader } from './context-identity.ts'
import type { ContextForm } from './context-statement.ts'
import { contextStatement, contextTypes, isUnnamed } from './context-statement.ts'
import { isolationError, refuseFrame, refuseStatement } from './refusals.ts'
import type { SessionFronts } from './session-fronts.ts'
import { TransactionTimeOuts } from './transaction-time-outs.ts'

/** The status of ReadyForQuery: idle, in a transaction, in an aborted one; null before the first. */
export type TransactionStatus = 'I' | 'T' | 'E' | null

/** Nobody's subject: what comes next is a change of users. */
const SOMEBODY = '\u0000somebody'

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
  /** What takes back what stands on the session. None behind a transaction pooler: a clean-up there would reach another session. */
  fronts: SessionFronts | undefined

  /** RESET ALL does not bring back the path and time-outs that were asked for at start-up: they are set with each context. */
  startupIgnored = false

  #transactionTenant: string | undefined
  readonly #timeOuts = new TransactionTimeOuts()
  #pinned = false
  #servedTenant = false
  /** Of the last context that was in force: whose locks, sequences and seed may still be here. */
  #lastSubject: string | undefined
  /** Of the context that was written last; undefined where none was written for the statement in flight. */
  #sentSubject: string | undefined
  /** The prefix that was written last begins with a clean-up of ours. */
  #cleansFirst = false
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
    const unusable = refuseFrame(frame, this.settings) ?? this.#refuseUnready(frame, status)
    if (unusable !== undefined) return unusable
    if (frame.tenantId !== '') this.#servedTenant = true
    if ((status !== 'T' && status !== 'E') || this.settings.shared) {
      this.#transactionTenant = frame.tenantId
      this.#pinned = false
      this.#timeOuts.clear()
      if (!this.settings.shared) this.#cleansFirst = false
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

  /** What must be true before anything of a tenant is written, whoever queued it and when. */
  #refuseUnready(frame: ContextFrame, status: TransactionStatus): Error | undefined {
    if (this.bytes === undefined) {
      return new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.')
    }
    // What is queued behind another tenant's statement missed the clean-up that follows an idle connection.
    if (!this.dirty || status !== 'I' || this.settings.shared || this.#transactionTenant === frame.tenantId)
      return undefined
    return new ConnectionInDoubtError(
      'A statement of another tenant left something on this connection, and this one was queued behind it; nothing was sent.',
    )
  }

  /**
   * Writes what has to reach the server before a statement.
   *
   * @returns how many answers (CommandComplete) belong to it and not to the statement
   */
  writePrefix(
    connection: PgConnection,
    frame: ContextFrame,
    { kind, text }: { readonly kind: StatementKind; readonly text: unknown },
    status: TransactionStatus,
  ): number {
    const { bytes, settings } = this
    if (bytes === undefined) throw new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.')
    this.#sentSubject = undefined
    this.lastParse = 0
    const open = (status === 'T' || status === 'E') && !settings.shared
    // Outside of a transaction SHOW tells what is set for the session: by then it must be the tenant's own.
    if (!carriesData(kind) && (open || kind !== 'show')) {
      if (open) this.#timeOuts.sending(kind, String(text))
      return this.#beforeControl(connection, kind, open)
    }
    // A pipelined connection's status is that of an earlier answer, and no transaction is ever open on it.
    if (open && status === 'E') return 0
    const identity = this.identities.of(frame)
    const begun = open && this.#pinned
    const switches = this.fronts !== undefined && !begun && this.#isAnother(identity)
    const front = open
      ? switches
        ? this.fronts?.inside
        : undefined
      : switches
        ? this.fronts?.other
        : this.fronts?.same
    const form = this.#formOf(identity, begun, switches)
    const own = begun ? this.#timeOuts.own : undefined
    if (isUnnamed(settings)) {
      // Parsing takes a snapshot, behind which the start of a transaction can't be changed.
      if (front !== undefined) connection.stream.write(front.bytes)
      this.lastParse = this.#parseUnnamed(connection, form)
      connection.stream.write(bytes.of(identity, form, { own }))
    } else connection.stream.write(bytes.of(identity, form, { front, own }))
    this.#sentSubject = identity.subject
    this.#cleansFirst = front !== undefined
    return (front?.answers ?? 0) + 1
  }

  /** On a shared connection others' statements are on their way already: whose state is here is not known. */
  #isAnother({ subject }: ContextIdentity): boolean {
    return this.settings.shared || (this.#lastSubject !== undefined && this.#lastSubject !== subject)
  }

  #formOf({ readOnly }: ContextIdentity, begun: boolean, switches: boolean): ContextForm {
    if (begun) return readOnly ? 'timed-read-only' : 'timed'
    const base = this.startupIgnored || isUnnamed(this.settings) ? 'full' : 'identity'
    const form: ContextForm = switches ? `${base}-switch` : base
    return readOnly ? `${form}-read-only` : form
  }

  /**
   * The last answer of the prefix has come: the context is in force.
   *
   * @param parse the Parse that the prefix began with; 0 where it needed none
   */
  prefixDone(parse = 0): void {
    // All that was written to the unnamed statement since is the same text: it holds what later statements may bind.
    if (this.settings.shared && parse > 0 && this.#oursSince > 0 && parse >= this.#oursSince)
      this.#held = this.#oursForm
    if (this.#sentSubject === undefined) return
    this.#pinned = true
    this.#lastSubject = this.#sentSubject
  }

  /**
   * One answer of the prefix has come. Whoever could make another statement under the name of our clean-up made one that answers SELECT:
   * PREPARE takes no RESET and no DISCARD.
   *
   * @param place 0 for the first answer
   */
  prefixAnswered(tag: string, place: number): void {
    if (place === 0 && this.#cleansFirst && tag !== 'RESET' && tag !== 'DISCARD SEQUENCES')
      this.doomed ??= 'its prepared clean-up statement was gone'
  }

  /** Somebody else's text was written to the unnamed statement, or an error leaves open what it holds. */
  unnamedInDoubt(): void {
    this.#held = undefined
    this.#oursSince = 0
  }

  /** The server says what it did. */
  commandComplete(tag: string, kind: StatementKind): void {
    if (kind === 'set-local' && tag.startsWith('SET')) this.#timeOuts.done()
    if (this.freeStatements > 0 || (kind !== 'other' && !leavesResidue(tag))) return
    // Local to the transaction, by the statement's exact beginning.
    if (tag.startsWith('SET') && (kind === 'set-local' || kind === 'set-transaction')) return
    this.dirty = true
    // Others' statements are on their way already: it can't be cleaned, only left.
    if (this.settings.shared) this.doomed ??= 'a statement on a shared connection left something behind'
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
    // The seed of random() is still that of the last user.
    this.#lastSubject = SOMEBODY
  }

  #beforeControl(connection: PgConnection, kind: StatementKind, open: boolean): number {
    if (open) {
      if (kind === 'rollback-to' || kind === 'commit' || kind === 'rollback') this.#pinned = false
      return 0
    }
    if (this.fronts === undefined || kind === 'copy-from' || kind === 'empty') return 0
    // What takes a snapshot waits for the first statement with data.
    connection.stream.write(this.fronts.begin.bytes)
    this.#cleansFirst = true
    return this.fronts.begin.answers
  }

  /**
   * The context statement where it has no name: parsed again in front of each statement behind a pooler; on a shared connection
   * only until the server has acknowledged it, and again after anybody else's Parse. A Bind that relied on it in error fails.
   */
  #parseUnnamed(connection: PgConnection, form: ContextForm): number {
    if (this.settings.shared && this.#held === form) return 0
    connection.parse({ text: contextStatement(form, this.settings), types: contextTypes(form) })
    const parse = ++this.#parses
    if (this.#oursSince === 0 || this.#oursForm !== form) this.#oursSince = parse
    this.#oursForm = form
    this.#held = undefined
    return parse
  }
}
