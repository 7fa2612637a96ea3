import { z } from 'zod'
import { parseOptions } from '../config/parse-options.ts'
import { jsonKeyPattern } from './json-keys.ts'
import { type SameTenant, sameTenantId } from './tenant-value.ts'

/** Which data a guard refuses. */
export interface GuardPolicyOptions {
  /** Names of the properties that hold a tenant id; default `tenant_id` and `tenantId`. */
  readonly fields?: readonly string[]
  /** True: a tenant field that is null, '', 0 or not an id is refused too. Default false: such a field is ignored. */
  readonly strict?: boolean
  /** Strict mode: functions that tell which objects must have a tenant field. Such an object without one is refused. */
  readonly entities?: readonly ((value: object) => boolean)[]
  /** Levels of nesting that are checked; default 100, at most 1000. Deeper data is refused. */
  readonly maxDepth?: number
  /** Objects, elements and entries that are checked; default 1,000,000. Larger data is refused. */
  readonly maxNodes?: number
  /**
   * Compares two ids. Returns true if both name one tenant. Default: compares canonical forms (spelling of a uuid, a number and its text).
   */
  readonly sameTenant?: SameTenant
}

/** Checked options in the form that the walk reads. */
export interface GuardPolicy {
  readonly fields: readonly string[]
  readonly fieldSet: ReadonlySet<string>
  /** The same names as keys in JSON text. */
  readonly jsonKeys: RegExp
  readonly strict: boolean
  readonly entities: readonly ((value: object) => boolean)[]
  readonly maxDepth: number
  readonly maxNodes: number
  readonly sameTenant: SameTenant
}

/** The zod schema of the policy, shared by all functions that take these options. */
export const policyShape = {
  fields: z.array(z.string().min(1)).min(1).readonly().optional(),
  strict: z.boolean().optional(),
  entities: z
    .array(z.custom<(value: object) => boolean>((value) => typeof value === 'function', 'expected a function'))
    .readonly()
    .optional(),
  maxDepth: z.int().min(1).max(1000).optional(),
  maxNodes: z.int().min(1).optional(),
  sameTenant: z.custom<SameTenant>((value) => typeof value === 'function', 'expected a function').optional(),
}

const policySchema = z
  .strictObject(policyShape)
  .refine((options) => options.entities === undefined || options.strict === true, {
    path: ['entities'],
    message: 'needs strict: true',
  })

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` */
export function readPolicy(options: GuardPolicyOptions, name: string): GuardPolicy {
  const read = parseOptions(policySchema, options, name)
  const fields = Object.freeze([...(read.fields ?? ['tenant_id', 'tenantId'])])
  return Object.freeze({
    fields,
    fieldSet: new Set(fields),
    jsonKeys: jsonKeyPattern(fields),
    strict: read.strict ?? false,
    entities: read.entities ?? [],
    maxDepth: read.maxDepth ?? 100,
    maxNodes: read.maxNodes ?? 1_000_000,
    sameTenant: read.sameTenant ?? sameTenantId,
  })
}
