import { ConfigurationError } from '../errors.ts'
import { type Placement, placementProblem } from './placement.ts'
import { newRequestId } from './request-id.ts'
import type { Actor, TenantContext, TenantContextInput } from './tenant-context.ts'

const MAX_ID_LENGTH = 128
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for control characters
const CONTROL_CHARACTER = /[\u0000-\u001f\u007f]/
const NONE: readonly string[] = Object.freeze([])

/** Validates, copies and freezes a context. The error names every invalid part, but never its value. */
export function readTenantContext(input: TenantContextInput): TenantContext {
  if (input === null || typeof input !== 'object') {
    throw new ConfigurationError('runWithTenant(context, fn): context must be an object with tenantId and userId.')
  }
  const problems: string[] = []
  checkId(input.tenantId, 'tenantId', problems)
  checkId(input.userId, 'userId', problems)
  const roles = readList(input.roles, 'roles', problems)
  const permissions = input.permissions === undefined ? undefined : readList(input.permissions, 'permissions', problems)
  const tier = input.tier ?? 'free'
  checkId(tier, 'tier', problems)
  const requestId = input.requestId ?? newRequestId()
  if (requestId === input.requestId) checkId(requestId, 'requestId', problems)
  const actor = readActor(input.actor, problems)
  const { expiresAt } = input
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) problems.push('expiresAt must be milliseconds since 1970')
  const placement = readPlacement(input.placement, problems)
  if (problems.length > 0) {
    throw new ConfigurationError(`The tenant context is not valid: ${problems.join('; ')}.`)
  }
  const { tenantId, userId } = input
  const context = { tenantId, userId, roles, permissions, tier, requestId }
  if (actor === undefined && expiresAt === undefined && placement === undefined) return context
  return {
    ...context,
    ...(actor === undefined ? {} : { actor }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(placement === undefined ? {} : { placement }),
  }
}

function readPlacement(placement: Placement | undefined, problems: string[]): Placement | undefined {
  if (placement === undefined) return undefined
  const problem = placementProblem(placement)
  if (problem === undefined) return Object.freeze({ schema: placement.schema })
  problems.push(`placement ${problem}`)
  return undefined
}

function checkId(value: unknown, name: string, problems: string[]): void {
  if (typeof value !== 'string')
    problems.push(`${name} must be a string, got ${value === null ? 'null' : typeof value}`)
  else if (value.length === 0) problems.push(`${name} must not be empty`)
  else if (value.length > MAX_ID_LENGTH) problems.push(`${name} must be at most ${MAX_ID_LENGTH} characters`)
  else if (hasControlCharacter(value)) problems.push(`${name} must not contain control characters`)
}

/** PostgreSQL text can't hold NUL, and log lines must not be forged by line breaks. */
function hasControlCharacter(text: string): boolean {
  return CONTROL_CHARACTER.test(text)
}

function readList(value: unknown, name: string, problems: string[]): readonly string[] {
  if (value === undefined) return NONE
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    problems.push(`${name} must be a list of strings`)
    return NONE
  }
  return Object.freeze([...value])
}

function readActor(actor: Actor | undefined, problems: string[]): Actor | undefined {
  if (actor === undefined) return undefined
  if (actor === null || typeof actor !== 'object') {
    problems.push('actor must be an object with id and type')
    return undefined
  }
  checkId(actor.id, 'actor.id', problems)
  if (!['user', 'staff', 'service'].includes(actor.type))
    problems.push("actor.type must be 'user', 'staff' or 'service'")
  return Object.freeze({
    id: actor.id,
    type: actor.type,
    ...(actor.reason === undefined ? {} : { reason: actor.reason }),
  })
}
