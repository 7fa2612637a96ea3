import { type ContextFrame, isTenantFrame } from '../../../context/frame.ts'
import { beforeItRan, isGone, isStalePlan } from '../../wire/prepared-statement.ts'
import { isOwnText } from '../prepared/own-texts.ts'
import { lostStatement } from '../session/context-failure.ts'
import type { QueryHost } from './query-host.ts'

/**
 * Whether a name that the application gave can't be used: the server may know the name for another statement, or only on another
 * connection.
 */
export function losesName(frame: ContextFrame, { guard }: QueryHost): boolean {
  return guard.settings.pooler || (isTenantFrame(frame) && frame.placement !== undefined)
}

/** partywall's own name for a query that has none. A query gets it if its connection has prepared the text, or prepares it now. */
export class OwnName {
  /** Whether the text is prepared when it is first sent (option `prepare: true`). */
  #atOnce: boolean
  /** `refused` after the server refused the plan. */
  #state: 'none' | 'given' | 'refused' = 'none'
  #inTransaction = false

  constructor(config: unknown) {
    this.#atOnce = config !== null && typeof config === 'object' && 'prepare' in config && config.prepare === true
  }

  /** Called if the application gave a name that can't be used. Its statement then gets a name of ours the first time. */
  prepareAtOnce(): void {
    this.#atOnce = true
  }

  /**
   * Gives a name only outside of transactions, where RESET ALL comes before the statement. Inside a transaction, an earlier statement of
   * the tenant may have changed settings. A cached plan would keep their effect for all other tenants: `DateStyle` changes how PostgreSQL
   * reads literals, and `enable_…` how it plans. Besides, an outdated plan could not be replaced there, because its error ends the
   * transaction. The texts of {@link isOwnText} can't be harmed in these ways.
   */
  take(text: string, frame: ContextFrame, host: QueryHost): string | undefined {
    const { guard, prepared } = host
    const isOwn = isOwnText(text)
    this.#inTransaction = host.getTransactionStatus() !== 'I'
    if (!guard.mayPrepare || (this.#inTransaction && !isOwn) || this.#state === 'refused') return undefined
    const { role, placement } = guard.prefix.identities.of(frame)
    const name = prepared.nameOf(text, { role, placement, tenantId: frame.tenantId, atOnce: this.#atOnce || isOwn })
    if (name !== undefined) this.#state = 'given'
    return name
  }

  /**
   * Called after an error. Notes if the server has refused the plan behind the name, because a table has changed.
   *
   * @returns true if the plan was refused before anything ran: the statement may then be sent again, without the name
   */
  refusedBy(error: Error, text: string, host: QueryHost): boolean {
    if (this.#state !== 'given' || !isStalePlan(error) || isGone(error)) return false
    host.prepared.stale(text)
    this.#state = 'refused'
    return !this.#inTransaction && beforeItRan(error)
  }

  /** The error for the caller if the server refused a prepared statement; undefined for all other errors. */
  explain(error: Error, host: QueryHost): Error | undefined {
    if (!isStalePlan(error)) return undefined
    if (this.#state === 'given') return beforeItRan(error) ? lostStatement(error, host.guard) : error
    if (this.#state === 'none') host.guard.discard('a prepared statement on it was out of date or gone')
    return error
  }
}
