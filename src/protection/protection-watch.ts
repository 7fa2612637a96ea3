import { AsyncResource } from 'node:async_hooks'
import { parseOptions } from '../config/parse-options.ts'
import type { DatabaseFinding } from '../database/check/database-finding.ts'
import type { ProtectionGate } from '../database/settings/protection-gate.ts'
import { DependencyUnavailableError, ProtectionLostError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import type { Logger } from '../logger/logger.ts'
import type { ProtectionDigest } from './digest-query.ts'
import { type Accepted, judgeChange } from './judge.ts'
import { DEFAULT_INTERVAL_MS, type ProtectionWatchOptions, protectionWatchSchema } from './options.ts'
import { changedObjects } from './protected-object.ts'
import type { ProtectionReader } from './protection-reader.ts'

/** Dependencies of {@link createProtectionWatch}, besides its options. */
interface ProtectionWatchParts {
  readonly reader: ProtectionReader
  /** Whether tenant tables must have the policies of the seal. */
  readonly sealed: boolean
  readonly events: SecurityEvents
  readonly logger: Logger
}

/** Watches the protection of tenant tables from the first `ready()` that succeeded. */
interface ProtectionWatch extends ProtectionGate {
  /** Whether a state was recorded, so that there is something to compare with. */
  readonly armed: boolean
  /** Whether the last comparison found that the protection is lost, also in report mode. */
  readonly lost: boolean
  /**
   * Runs the checks of `ready()` and, if they pass, records what protects the tenants. If the schema changes during the checks, they run
   * again.
   *
   * @throws the errors of `checks`
   * @throws {ProtectionLostError} `PARTYWALL_PROTECTION_LOST` if the recorded protection has been lost
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if the schema changes during every attempt
   */
  record(checks: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

const MISSES_THAT_COUNT = 3
const ATTEMPTS = 5
/**
 * The interval while protection is lost or can't be read. It is shorter than the normal interval, so that work continues soon after
 * protection is back.
 */
const IMPATIENT_MS = 1_000
const MAX_NAMED = 50

type Loss =
  | { readonly reason: 'changed'; readonly objects: readonly string[]; readonly messages: readonly string[] }
  | { readonly reason: 'unwatched'; readonly objects: readonly []; readonly messages: readonly string[] }

/**
 * Makes a watch. It opens no connection before `record()`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function createProtectionWatch(options: ProtectionWatchOptions, parts: ProtectionWatchParts): ProtectionWatch {
  parseOptions(protectionWatchSchema, options, 'protectionWatch')
  return new Watch(options, parts)
}

class Watch implements ProtectionWatch {
  readonly #intervalMs: number
  readonly #refuses: boolean
  readonly #parts: ProtectionWatchParts
  // A comparison that a request starts must not carry that request's context.
  readonly #outside = new AsyncResource('partywall.protection')
  #accepted: (Accepted & { readonly digest: ProtectionDigest }) | undefined
  #loss: Loss | undefined
  #misses = 0
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: ProtectionWatchOptions, parts: ProtectionWatchParts) {
    this.#intervalMs = options.intervalMs ?? DEFAULT_INTERVAL_MS
    this.#refuses = options.onProtectionLost !== 'report'
    this.#parts = parts
  }

  get armed(): boolean {
    return this.#accepted !== undefined
  }

  get lost(): boolean {
    return this.#loss !== undefined
  }

  refusal(): ProtectionLostError | undefined {
    if (this.#loss === undefined || !this.#refuses) return undefined
    return new ProtectionLostError(
      'The database no longer keeps tenants apart, or this could not be checked. Nothing was sent. Event PROTECTION_CHANGED and the log name the changes.',
      { details: { reason: this.#loss.reason, objects: this.#loss.objects } },
    )
  }

  async record(checks: () => Promise<void>): Promise<void> {
    if (this.#accepted !== undefined) {
      await checks()
      await this.compare()
      const refusal = this.refusal()
      if (refusal !== undefined) throw refusal
      return
    }
    const { reader, sealed } = this.#parts
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      // If nothing can be read, the checks report the reason.
      const digest = await reader.digest().catch(async (error: unknown) => {
        await checks()
        throw error
      })
      await checks()
      const [state, known] = [await reader.state(), await reader.known()]
      if (!isSame(digest, await reader.digest())) continue
      this.#accepted = { digest, state, known, sealed }
      this.#schedule()
      return
    }
    throw new DependencyUnavailableError('The protection of the tables changes while it is being checked.', {
      details: { dependency: 'database' },
    })
  }

  /**
   * Callers that come while a comparison runs share the next comparison, because the running comparison may already have read an older
   * state.
   */
  compare(): Promise<void> {
    if (this.#accepted === undefined || this.#closed) return Promise.resolve()
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#start()
    this.#next = this.#running.then(() => this.#start())
    return this.#next
  }

  #start(): Promise<void> {
    this.#next = undefined
    const run = this.#outside.runInAsyncScope(() => this.#compareOnce())
    this.#running = run.finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #compareOnce(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      await this.#judge()
      this.#misses = 0
    } catch (error) {
      this.#missed(error)
    } finally {
      this.#schedule()
    }
  }

  async #judge(): Promise<void> {
    const { reader, logger, sealed } = this.#parts
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const accepted = this.#accepted
      if (accepted === undefined) return
      const digest = await reader.digest()
      if (isSame(digest, accepted.digest)) return this.#restored()
      const findings = (await reader.check()).filter(({ severity }) => severity === 'error')
      const [state, known] = [await reader.state(), await reader.known().catch(() => new Set<string>())]
      // If the catalog changed while it was read, the result is not consistent: read it again.
      if (!isSame(digest, await reader.digest())) continue
      const problems = judgeChange(accepted, state, known)
      if (findings.length > 0 || problems.length > 0) {
        this.#lose({ reason: 'changed', ...told(findings, problems, changedObjects(accepted.state, state)) })
        return
      }
      const objects = changedObjects(accepted.state, state).slice(0, MAX_NAMED)
      if (objects.length > 0) logger.info({ objects }, 'the protection of the tables changed and passed all checks')
      this.#accepted = { digest, state, known, sealed }
      return this.#restored()
    }
    this.#lose({
      reason: 'changed',
      objects: [],
      messages: ['The protection of the tables changed again during each check.'],
    })
  }

  #missed(error: unknown): void {
    if (this.#closed) return
    this.#misses++
    const message = error instanceof Error ? error.message : String(error)
    this.#parts.logger.warn(
      { misses: this.#misses, error: message },
      'the protection of the tables could not be compared',
    )
    if (this.#misses < MISSES_THAT_COUNT || this.#loss !== undefined) return
    this.#lose({ reason: 'unwatched', objects: [], messages: [`It could not be compared: ${message}`] })
  }

  #lose(loss: Loss): void {
    const isTold = this.#loss !== undefined && JSON.stringify(this.#loss) === JSON.stringify(loss)
    this.#loss = loss
    if (isTold || this.#closed) return
    const { events, logger } = this.#parts
    logger.error(
      { reason: loss.reason, objects: loss.objects, problems: loss.messages },
      this.#refuses
        ? 'it is no longer certain that tenants are kept apart: all work of tenants is refused until the checks succeed'
        : 'it is no longer certain that tenants are kept apart (report mode: work goes on)',
    )
    events.emit({ type: 'PROTECTION_CHANGED', reason: loss.reason, objects: loss.objects })
  }

  #restored(): void {
    if (this.#loss === undefined) return
    this.#loss = undefined
    this.#parts.logger.info({}, 'the protection of the tables is back')
    this.#parts.events.emit({ type: 'PROTECTION_RESTORED' })
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    if (this.#closed) return
    const isPatient = this.#loss === undefined && this.#misses === 0
    const pause = isPatient ? this.#intervalMs : Math.min(this.#intervalMs, IMPATIENT_MS)
    this.#outside.runInAsyncScope(() => {
      this.#timer = setTimeout(() => void this.compare(), pause).unref()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#parts.reader.close()
  }
}

function isSame(one: ProtectionDigest, other: ProtectionDigest): boolean {
  return one.size === other.size && [...one].every(([category, digest]) => other.get(category) === digest)
}

/** The objects that the checks name, or all changed objects if they name none. */
function told(
  findings: readonly DatabaseFinding[],
  problems: readonly { readonly object: string; readonly message: string }[],
  changed: readonly string[],
) {
  const checked = findings.map(({ object }) => object)
  // The checks leave out the schema if it is public.
  const judged = problems
    .map(({ object }) => object)
    .filter((name) => !checked.some((object) => name === `public.${object}`))
  const named = [...new Set([...checked, ...judged])].sort()
  return {
    objects: (named.length > 0 ? named : changed).slice(0, MAX_NAMED),
    messages: [...findings, ...problems].map(({ message }) => message).slice(0, MAX_NAMED),
  }
}
