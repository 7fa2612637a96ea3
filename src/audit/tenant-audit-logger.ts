import { AsyncLocalStorage } from 'node:async_hooks'
import { parseOptions } from '../config/parse-options.ts'
import { getCurrentTenant, runWithoutTenant, runWithTenant } from '../context/run-with-tenant.ts'
import type { TenantContext, TenantContextInput } from '../context/tenant-context.ts'
import { AuditRequiredError, TenantContextMissingError } from '../errors.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import type { AuditInput, AuditPool, AuditQueryable } from './audit-event.ts'
import { SENSITIVE_ACTIONS } from './audit-event.ts'
import { BestEffortOutbox } from './best-effort-outbox.ts'
import { plainName } from './details.ts'
import { type AuditFormat, exportEvents } from './export-events.ts'
import { type AuditMode, loggerOptions, type TenantAuditLoggerOptions } from './options.ts'
import { type AuditFilter, type AuditPage, queryEvents } from './query-events.ts'
import { type PreparedEvent, prepareEvent, prepareSystemEvent, type RowPolicy, sendEvent } from './write-event.ts'

/** How one event is written. */
export interface LogOptions {
  /** The transaction in which the event is written: the event exists if and only if the transaction commits. */
  readonly client?: AuditQueryable | undefined
  /** Overrides the default of the action; a sensitive action is always `required`. */
  readonly mode?: AuditMode | undefined
}

type Write = (event: PreparedEvent) => Promise<void>

/**
 * Writes and reads the audit log of the current tenant.
 *
 * The database takes tenant, user and actor of an event from the verified seal, and the time from its clock: neither the caller nor
 * injected SQL can supply other values. A tenant reads only its own log.
 *
 * @example
 * ```ts
 * await audit.change({ action: 'DELETE_USER', resource: 'users', resourceId: id }, (tx) =>
 *   tx.query('delete from users where id = $1', [id]))
 * ```
 */
export class TenantAuditLogger {
  readonly #pool: AuditPool
  readonly #reserved: AuditQueryable
  readonly #policy: RowPolicy
  readonly #defaultMode: AuditMode
  readonly #sensitive: ReadonlySet<string>
  readonly #outbox: BestEffortOutbox
  readonly #options: TenantAuditLoggerOptions
  readonly #logger: Logger
  /**
   * The async context in which this logger was created. Refusals and retries are written in it, and not in the context that reported them.
   */
  readonly #outside = AsyncLocalStorage.snapshot()

  constructor(options: TenantAuditLoggerOptions) {
    const checked = parseOptions(loggerOptions, options, 'new TenantAuditLogger(options)')
    this.#options = options
    this.#pool = checked.pool
    this.#reserved = checked.reserved ?? checked.pool
    this.#defaultMode = checked.mode
    this.#sensitive = new Set([...SENSITIVE_ACTIONS, ...checked.sensitiveActions])
    this.#logger = checked.logger ?? createDefaultLogger()
    this.#policy = {
      secretNames: new Set(checked.secretNames.map(plainName)),
      maxBytes: checked.maxDetailsBytes,
      privateRequestInfo: checked.privateRequestInfo,
      sealed: checked.sealed,
    }
    this.#outbox = new BestEffortOutbox(checked.outboxLimit, (lost) => {
      this.#logger.error({ lost }, 'Audit events were lost: the outbox is full.')
    })
  }

  /** Whether the action is sensitive: it raises an alert, and it is refused if its event can't be written. */
  isSensitive(action: string): boolean {
    return this.#sensitive.has(action)
  }

  /** How many events wait to be written. */
  get waiting(): number {
    return this.#outbox.size
  }

  /** How many events were lost because too many waited. */
  get lost(): number {
    return this.#outbox.lost
  }

  /**
   * Writes one event. Without `client` the event is written on a reserved connection, and is committed when the promise resolves.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {AuditRequiredError} `PARTYWALL_AUDIT_REQUIRED` if the event could not be written and is required, or belongs to a transaction
   */
  async log(input: AuditInput, options: LogOptions = {}): Promise<void> {
    const context = getCurrentTenant()
    await this.#write(input, context, options)
    this.#announce(input, context)
  }

  /**
   * Runs a change and writes its event in one transaction: both are committed, or neither. If the change fails, an event with outcome
   * `failure` is written instead.
   */
  async change<T>(input: AuditInput, work: (transaction: AuditQueryable) => Promise<T>): Promise<T> {
    const context = getCurrentTenant()
    let result: T
    try {
      result = await this.#pool.transaction(async (transaction) => {
        const done = await work(transaction)
        await this.#write(input, context, { client: transaction })
        return done
      })
    } catch (error) {
      const failed = { ...input, outcome: 'failure' as const, details: { ...input.details, error: codeOf(error) } }
      await this.#write(failed, context, { mode: 'bestEffort' })
      throw error
    }
    this.#announce(input, context)
    return result
  }

  /** Commits the event of a sensitive read or an export, and then runs the read. No row is returned before the event is committed. */
  async read<T>(input: AuditInput, work: () => Promise<T>): Promise<T> {
    await this.log(input, { mode: 'required' })
    return work()
  }

  /** Writes the event of a refusal for a tenant without an open context, on the reserved connection. */
  async logFor(context: TenantContextInput, input: AuditInput): Promise<void> {
    await this.#outside(() => runWithTenant(context, () => this.#write(input, getCurrentTenant(), {})))
  }

  /** Writes an event without a tenant into the system stream, which only security staff (`partywall_auditor`) read. */
  async logSystem(input: AuditInput, options: Pick<LogOptions, 'mode'> = {}): Promise<void> {
    const event = prepareSystemEvent(input, this.#policy)
    const write = () => this.#outside(() => runWithoutTenant(() => this.#sendReserved(event)))
    await this.#attempt(write, this.#modeOf(input, options.mode))
  }

  /**
   * One page of the current tenant's events, newest first.
   *
   * @throws {InvalidInputError} `PARTYWALL_INVALID_INPUT` for a limit, date or cursor that can't be used
   */
  query(filter: AuditFilter = {}): Promise<AuditPage> {
    return queryEvents(this.#pool, getCurrentTenant().tenantId, filter)
  }

  /**
   * The current tenant's events as lines of text, newest first. The export itself is an event (`EXPORT_DATA`), committed before
   * the first line.
   */
  async *export(format: AuditFormat, filter: AuditFilter = {}): AsyncGenerator<string, void, void> {
    await this.log({ action: 'EXPORT_DATA', resource: 'audit_log', details: { format } }, { mode: 'required' })
    yield* exportEvents((page) => this.query(page), format, filter)
  }

  /** Tries to write the waiting events. */
  flush(): Promise<void> {
    return this.#outbox.flush()
  }

  /** Tries once more to write the waiting events, then stops. It does not close the pools. */
  async close(): Promise<void> {
    await this.#outbox.flush()
    this.#outbox.close()
  }

  async #write(input: AuditInput, context: TenantContext, options: LogOptions): Promise<void> {
    const info = this.#options.requestInfo?.()
    const event = prepareEvent({ ...info, ...input }, context, this.#policy)
    const { client } = options
    if (client !== undefined) {
      await sendEvent(event, client).catch((error: unknown) => {
        throw required(error)
      })
      return
    }
    const write = () => this.#outside(() => runWithTenant(context, () => this.#sendReserved(event)))
    await this.#attempt(write, this.#modeOf(input, options.mode))
  }

  #modeOf(input: AuditInput, asked: AuditMode | undefined): AuditMode {
    // A failed action did not happen, so there is nothing to refuse.
    const mustBeWritten = this.#sensitive.has(input.action) && input.outcome !== 'failure'
    return mustBeWritten ? 'required' : (asked ?? this.#defaultMode)
  }

  async #attempt(write: () => Promise<void>, mode: AuditMode): Promise<void> {
    try {
      await write()
    } catch (error) {
      if (error instanceof TenantContextMissingError) throw error
      if (mode === 'required') throw required(error)
      this.#logger.warn({ error: codeOf(error) }, 'An audit event could not be written; it waits in memory.')
      this.#outbox.add(write)
    }
  }

  readonly #sendReserved: Write = async (event) => {
    try {
      await sendEvent(event, this.#reserved)
    } catch (error) {
      if (!isMissingMonth(error)) throw error
      await this.#reserved.query('select partywall.audit_make_months()')
      await sendEvent(event, this.#reserved)
    }
  }

  #announce(input: AuditInput, context: TenantContext): void {
    if (!this.#sensitive.has(input.action)) return
    this.#options.events?.emit({
      type: 'SENSITIVE_ACTION',
      action: input.action,
      tenantId: context.tenantId,
      userId: context.userId,
      requestId: context.requestId,
      ...(input.resource === undefined ? {} : { resource: input.resource }),
      ...(input.resourceId === undefined ? {} : { resourceId: input.resourceId }),
    })
  }
}

function required(cause: unknown): AuditRequiredError {
  return new AuditRequiredError('The audit event could not be written, so the action was refused.', { cause })
}

function codeOf(error: unknown): string {
  const code: unknown = error !== null && typeof error === 'object' ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : 'unknown'
}

/** Whether the partition of the month is missing. The error is 23514 with the name of the partitioned table and without a constraint. */
function isMissingMonth(error: unknown): boolean {
  return codeOf(error) === '23514' && Reflect.get(Object(error), 'constraint') === undefined
}
