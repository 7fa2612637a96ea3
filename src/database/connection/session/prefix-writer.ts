import type { ContextFrame } from '../../../context/frame.ts'
import { ConnectionInDoubtError } from '../../../errors.ts'
import type { WallSettings } from '../../settings/wall-settings.ts'
import type { StatementKind } from '../../statement/statement-kind.ts'
import type { PgConnection } from '../../wire/pg-internals.ts'
import type { ContextBytes } from './context-bytes.ts'
import type { ContextIdentity, IdentityReader } from './context-identity.ts'
import { type ContextForm, contextStatement, contextTypes, isUnnamed } from './context-statement.ts'
import type { FrontBytes, SessionFronts } from './session-fronts.ts'
import type { TimeOuts } from './transaction-time-outs.ts'
import { UnnamedStatement } from './unnamed-statement.ts'

/**
 * A subject (tenant, user and level of a context) that no context has. If it is stored as the last subject, the next context counts as
 * another user's.
 */
const SOMEBODY = '\u0000somebody'

/** The position of a statement in its transaction. */
export interface PrefixPlace {
  /** A transaction is open. */
  readonly open: boolean
  /** The context of this transaction is already in force. */
  readonly contextInForce: boolean
  /** The time-outs that the application itself set in this transaction. */
  readonly own: TimeOuts | undefined
}

/**
 * Writes the prefix of a statement: the clean-up after the last user, then the context of this user. Also reads the answers to the prefix.
 */
export class PrefixWriter {
  readonly identities: IdentityReader
  /** Set once the connection has prepared the context statement. */
  bytes: ContextBytes | undefined
  /**
   * The clean-up statements. Undefined behind a transaction pooler, because they could run in another session than the user's statement.
   */
  fronts: SessionFronts | undefined
  /** True if RESET ALL does not restore the wanted search_path and time-outs, so that each context must set them. */
  startupIgnored = false
  readonly unnamed = new UnnamedStatement()
  /** Serial number of the Parse message at the start of the last prefix. 0 if the prefix has no Parse message. */
  lastParse = 0
  readonly #settings: WallSettings
  /**
   * Subject of the last context that was in force. The session may still have locks, sequence values and the random() seed of this user.
   */
  #lastSubject: string | undefined
  /** Subject of the context that was written last. Undefined if none was written for the current statement. */
  #sentSubject: string | undefined
  /** Whether the last prefix began with a clean-up statement. */
  #cleansFirst = false

  constructor(settings: WallSettings, identities: IdentityReader) {
    this.#settings = settings
    this.identities = identities
  }

  /** Must be called when a transaction begins, before any clean-up is written for it. */
  begins(): void {
    if (!this.#settings.shared) this.#cleansFirst = false
  }

  /** Must be called before anything is written for a new statement. */
  starts(): void {
    this.#sentSubject = undefined
    this.lastParse = 0
  }

  /**
   * Writes the clean-up before BEGIN, and before other statements that need no context. Clean-up statements that take a snapshot are sent
   * later, before the first statement that needs a context.
   *
   * @returns how many answers (CommandComplete) the clean-up will get
   */
  writeBegin(connection: PgConnection, kind: StatementKind): number {
    if (this.fronts === undefined || kind === 'copy-from' || kind === 'empty') return 0
    connection.stream.write(this.fronts.begin.bytes)
    this.#cleansFirst = true
    return this.fronts.begin.answers
  }

  /**
   * Writes clean-up and context in front of a statement that needs a context.
   *
   * @returns how many answers (CommandComplete) clean-up and context will get
   */
  writeContext(connection: PgConnection, frame: ContextFrame, place: PrefixPlace): number {
    if (!isUnnamed(this.#settings)) {
      const { bytes, answers } = this.contextBytes(frame, place)
      connection.stream.write(bytes)
      return answers
    }
    const { identity, front, form, own, bytes } = this.#choose(frame, place)
    // Send the clean-up before Parse. Parse takes a snapshot, and after a snapshot the clean-up could not set the isolation level.
    if (front !== undefined) connection.stream.write(front.bytes)
    this.lastParse = this.#parseUnnamed(connection, form)
    connection.stream.write(bytes.of(identity, form, { own }))
    return (front?.answers ?? 0) + 1
  }

  /** Like {@link writeContext}, but returns the bytes for the caller to send. Works only if the context statement has a name. */
  contextBytes(frame: ContextFrame, place: PrefixPlace): FrontBytes {
    const { identity, front, form, own, bytes } = this.#choose(frame, place)
    return { bytes: bytes.of(identity, form, { front, own }), answers: (front?.answers ?? 0) + 1 }
  }

  /** Decides what to send in front of the statement, and records that it is being sent. */
  #choose(frame: ContextFrame, { open, contextInForce, own }: PrefixPlace) {
    const { bytes } = this
    if (bytes === undefined) throw new ConnectionInDoubtError('The connection was not set up yet; nothing was sent.')
    const identity = this.identities.of(frame)
    const begun = open && contextInForce
    const switches = this.fronts !== undefined && !begun && this.#isAnother(identity)
    const front = this.#frontFor(open, switches)
    this.#sentSubject = identity.subject
    this.#cleansFirst = front !== undefined
    return { identity, front, form: this.#formOf(identity, begun, switches), own: begun ? own : undefined, bytes }
  }

  /**
   * Checks one answer of the prefix. A tenant may PREPARE another statement under the name of our clean-up statement. The answer to such a
   * statement never has the tag RESET or DISCARD, because PREPARE accepts neither command.
   *
   * @param place 0 for the first answer
   * @returns false if another statement ran in place of our clean-up statement
   */
  answered(tag: string, place: number): boolean {
    return !(place === 0 && this.#cleansFirst && tag !== 'RESET' && tag !== 'DISCARD SEQUENCES')
  }

  /**
   * Must be called when the last answer of the prefix has come.
   *
   * @param parse the serial number of the Parse message at the start of the prefix; 0 if the prefix has no Parse message
   * @returns whether a context is in force now
   */
  done(parse: number): boolean {
    if (this.#settings.shared) this.unnamed.acknowledged(parse)
    if (this.#sentSubject === undefined) return false
    this.#lastSubject = this.#sentSubject
    return true
  }

  /** Must be called after DISCARD ALL, which does not reset the seed of random(). So the next context counts as another user's. */
  cleaned(): void {
    this.#lastSubject = SOMEBODY
  }

  /** Whether another user's state may be on the session. Always true on a shared connection, where the last user is not known. */
  #isAnother({ subject }: ContextIdentity): boolean {
    return this.#settings.shared || (this.#lastSubject !== undefined && this.#lastSubject !== subject)
  }

  #frontFor(open: boolean, switches: boolean): FrontBytes | undefined {
    if (open) return switches ? this.fronts?.inside : undefined
    return switches ? this.fronts?.other : this.fronts?.same
  }

  #formOf({ readOnly, placement }: ContextIdentity, begun: boolean, switches: boolean): ContextForm {
    const unnamed = isUnnamed(this.#settings)
    const place = unnamed || placement !== '' ? '-placed' : ''
    const mode = readOnly ? '-read-only' : ''
    if (begun) return placement === '' ? `timed${mode}` : `timed-placed${mode}`
    const base = this.startupIgnored || unnamed ? 'full' : 'identity'
    return `${base}${switches ? '-switch' : ''}${place}${mode}`
  }

  /**
   * Parses the unnamed context statement before each statement. On a shared connection no Parse is sent if the server has acknowledged an
   * earlier Parse, and no other unnamed statement was parsed since. If the server nevertheless holds another unnamed statement,
   * that other statement does not run: Bind fails.
   */
  #parseUnnamed(connection: PgConnection, form: ContextForm): number {
    if (this.#settings.shared && this.unnamed.holds(form)) return 0
    return this.unnamed.parse(connection, form, {
      text: contextStatement(form, this.#settings),
      types: contextTypes(form),
    })
  }
}
