import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { getCurrentTenant } from '../context/run-with-tenant.ts'
import type { TenantContext } from '../context/tenant-context.ts'
import type { TenantIsolationError } from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { createDefaultLogger, type Logger } from '../logger/logger.ts'
import { crossTenantSafeReason, rememberOriginal } from './cross-tenant-safe.ts'
import { type AnyFunction, dressAs, type FunctionDecorator, rewriteDecorated } from './decorator-forms.ts'
import { type GuardFinding, showPath } from './finding.ts'
import { type GuardPolicy, type GuardPolicyOptions, policyShape, readPolicy } from './guard-policy.ts'
import { emitFinding, toError } from './guard-refusal.ts'
import { guardResult, isThenable } from './guard-result.ts'
import { findInJson } from './json-text.ts'
import { findInValue } from './walk.ts'

/** Options of {@link createTenantGuard}. */
export interface TenantGuardOptions extends GuardPolicyOptions {
  /** `report` counts and logs findings but refuses nothing, for a gradual adoption. Default `enforce`. */
  readonly enforcement?: 'enforce' | 'report'
  /** Emitter for CROSS_TENANT_ACCESS_ATTEMPT. Default: the emitter of the current tenant context. */
  readonly events?: SecurityEvents
  /** Default: warnings as JSON on standard error. */
  readonly logger?: Logger
}

/** Numbers of checks since the guard was created. */
export interface GuardCounts {
  readonly checked: number
  readonly refused: number
  /** Findings that `enforcement: 'report'` did not refuse. */
  readonly wouldRefuse: number
  /** Answers that CrossTenantSafe exempted from the response guard. */
  readonly exempt: number
}

/** A guard with its own policy, counts and listeners. */
export interface TenantGuard {
  readonly policy: GuardPolicy
  /**
   * Returns the value if nothing in it names another tenant than the current context. For a promise it returns a promise.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` on a finding; emits CROSS_TENANT_ACCESS_ATTEMPT
   */
  guardTenantData<T>(value: T): T
  /** Like the function {@link preventCrossTenantAccess}, but with the policy of this guard. */
  readonly preventCrossTenantAccess: PreventCrossTenantAccess
  /** For adapters: returns the error to send instead of this JSON text. Undefined if the text may be sent. Counts, logs and emits. */
  refusalOfJson(text: string, context: TenantContext | undefined): TenantIsolationError | undefined
  /** For adapters: returns the error to send instead of this value. Undefined if the value may be sent. Counts, logs and emits. */
  refusalOfValue(value: unknown, context: TenantContext): TenantIsolationError | undefined
  /**
   * For adapters: returns the error to send instead of data that can't be checked. Undefined if such data may be sent. `reason` is for the
   * log.
   */
  refusalOfUnreadable(reason: string, context: TenantContext | undefined): TenantIsolationError | undefined
  /** For adapters: counts an answer that CrossTenantSafe exempted. */
  noteExempt(reason: string): void
  counts(): GuardCounts
}

/**
 * A function that returns a decorator if it is called without arguments. It can also be used as a decorator itself, or around a function.
 */
export type PreventCrossTenantAccess = FunctionDecorator & (() => FunctionDecorator)

const optionsSchema = z.strictObject({
  ...policyShape,
  enforcement: z.enum(['enforce', 'report']).optional(),
  events: z
    .custom<SecurityEvents>((value) => typeof value === 'object' && value !== null, 'expected events')
    .optional(),
  logger: z.custom<Logger>((value) => typeof value === 'object' && value !== null, 'expected a logger').optional(),
})

/**
 * Makes a guard that checks outgoing data for another tenant's id.
 *
 * The guard is the last layer. It catches, for example, a cache that returns one tenant's list to another tenant. Row-level security
 * decides first.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function createTenantGuard(options: TenantGuardOptions = {}): TenantGuard {
  const { enforcement, events, logger, ...policyOptions } = options
  parseOptions(optionsSchema, options, 'createTenantGuard(options)')
  const policy = readPolicy(policyOptions, 'createTenantGuard(options)')
  const log = logger ?? createDefaultLogger()
  const counts = { checked: 0, refused: 0, wouldRefuse: 0, exempt: 0 }

  function judge(finding: GuardFinding | undefined, context: TenantContext | undefined) {
    counts.checked++
    if (finding === undefined) return undefined
    const where = { kind: finding.kind, path: showPath(finding.path), requestId: context?.requestId }
    if (enforcement === 'report') {
      counts.wouldRefuse++
      log.warn(where, 'guard: would refuse data (report mode)')
      return undefined
    }
    counts.refused++
    log.warn(where, 'guard: refused data')
    emitFinding(finding, context, events)
    return toError(finding, context)
  }

  return {
    policy,
    guardTenantData: (value) => guardFor(getCurrentTenant(), judge, policy, value),
    preventCrossTenantAccess: makeDecorator(policy, judge),
    refusalOfJson: (text, context) => judge(findInJson(text, context?.tenantId, policy), context),
    refusalOfValue: (value, context) => judge(findInValue(value, context.tenantId, policy), context),
    refusalOfUnreadable: (reason, context) => judge({ kind: 'unreadable', path: [reason] }, context),
    noteExempt(reason) {
      counts.exempt++
      log.debug({ reason }, 'guard: exempt by CrossTenantSafe')
    },
    counts: () => ({ ...counts }),
  }
}

type Judge = (finding: GuardFinding | undefined, context: TenantContext) => TenantIsolationError | undefined

function guardFor<T>(context: TenantContext, judge: Judge, policy: GuardPolicy, value: T): T {
  if (isThenable(value)) {
    const guarded: unknown = Promise.resolve(value).then((settled) => guardFor(context, judge, policy, settled))
    // The result is a promise of the same value, so callers see the same awaited type.
    return guarded as T
  }
  const refusal = judge(findInValue(value, context.tenantId, policy), context)
  if (refusal !== undefined) throw refusal
  return value
}

function makeDecorator(policy: GuardPolicy, judge: Judge): PreventCrossTenantAccess {
  function guardFunction(original: AnyFunction): AnyFunction {
    if (crossTenantSafeReason(original) !== undefined) return original
    const guarded = dressAs(function (this: unknown, ...args: unknown[]) {
      // Capture the context of the call: a promise may settle in another context.
      const context = getCurrentTenant()
      const result: unknown = Reflect.apply(original, this, args)
      return guardResult(
        result,
        (value) => guardFor(context, judge, policy, value),
        () => {
          const refusal = judge({ kind: 'unreadable', path: ['(a stream of bytes)'] }, context)
          if (refusal !== undefined) throw refusal
        },
      )
    }, original)
    return rememberOriginal(guarded, original)
  }
  function decorate(...args: readonly unknown[]): unknown {
    return args.length === 0 ? decorate : rewriteDecorated('preventCrossTenantAccess', args, guardFunction)
  }
  // `rewriteDecorated` distinguishes the overloads at run time, and refuses all other calls.
  return decorate as PreventCrossTenantAccess
}

const defaultPolicy = readPolicy({}, 'guardTenantData(value, options)')

const judgeWithoutCounts: Judge = (finding, context) => {
  if (finding === undefined) return undefined
  emitFinding(finding, context, undefined)
  return toError(finding, context)
}

/**
 * Returns the value if nothing in it names another tenant than the current context. For a promise it returns a promise.
 *
 * Checks arrays, objects, Map, Set, class instances and cycles, and the result of `toJSON`. Never changes the value.
 *
 * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
 * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` on a finding, or if the value is larger than the bounds;
 *   emits CROSS_TENANT_ACCESS_ATTEMPT to the context's listeners
 */
export function guardTenantData<T>(value: T, options?: GuardPolicyOptions): T {
  const policy = options === undefined ? defaultPolicy : readPolicy(options, 'guardTenantData(value, options)')
  return guardFor(getCurrentTenant(), judgeWithoutCounts, policy, value)
}

/**
 * Guards the result of a method or function: as TC39 decorator, as legacy TypeScript decorator, or around a plain function.
 *
 * Each call needs a tenant context. Its result is checked against the tenant of the call:
 * - a value: at once;
 * - a promise: when it settles;
 * - an iterator or object stream: item by item.
 *
 * A lazy query builder (an object with `then`) is run, and its result is checked. A stream of bytes is refused.
 *
 * @example
 * class Reports {
 *   \@preventCrossTenantAccess()
 *   async list() { … }
 * }
 * const listSafely = preventCrossTenantAccess(list)
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if it decorates a class, a setter, a parameter or anything else that is no
 *   function
 */
export const preventCrossTenantAccess: PreventCrossTenantAccess = makeDecorator(defaultPolicy, judgeWithoutCounts)
