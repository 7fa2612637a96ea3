import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../config/canonical-json.ts'
import { internalsOf } from '../context/frame.ts'
import { newRequestId } from '../context/request-id.ts'
import { getCurrentTenant } from '../context/run-with-tenant.ts'
import { tenantStore } from '../context/store.ts'
import type { Actor, TenantContext } from '../context/tenant-context.ts'
import {
  AuthenticationError,
  ConfigurationError,
  DependencyUnavailableError,
  isPartywallError,
  TenantInactiveError,
  TenantIsolationError,
} from '../errors.ts'
import type { SecurityEvents } from '../events/security-events.ts'
import { type Duration, durationSeconds } from './duration.ts'
import { isActive, placementOf, type TenantDirectory } from './tenant.ts'

/** The purpose of an envelope. The envelope can only be opened for the same purpose. */
export interface ExportOptions {
  /** The receiver that may open the envelope: the name of a queue or a worker. */
  readonly audience: string
  /** Binds the envelope to one job. */
  readonly jobId?: string | undefined
  /** Binds the envelope to the payload of the job: a JSON value, in which the order of keys does not matter. */
  readonly payload?: unknown
  /** How long the envelope can be opened; at most 30 days. */
  readonly expiresIn: Duration
}

/** Values that must match the envelope. */
export interface ImportOptions {
  readonly audience: string
  /** Required if the envelope is bound to a job, and forbidden otherwise. */
  readonly jobId?: string | undefined
  /** Required if the envelope is bound to a payload, and forbidden otherwise. */
  readonly payload?: unknown
}

/** Returns the user's current roles and permissions. Returns `false` if the membership has ended: then the envelope is refused. */
export type CurrentMembership = (question: {
  readonly userId: string
  readonly tenant: { readonly id: string; readonly tier: string }
}) => Promise<{ readonly roles: readonly string[]; readonly permissions?: readonly string[] } | false>

/** Options of {@link createEnvelopes}. */
export interface EnvelopeOptions {
  /** The keys, the current key first. The current key signs. All of them open envelopes. */
  readonly keys: () => Promise<readonly Uint8Array[]>
  readonly directory: Pick<TenantDirectory, 'findById'>
  /** Called at each import. If it is left out, imported contexts have no roles and permissions. */
  readonly membership?: CurrentMembership | undefined
  readonly events: SecurityEvents
  readonly now?: (() => number) | undefined
}

/** Carries a context to a job, a worker or another process. */
export interface Envelopes {
  /**
   * Seals the current context for one purpose. The envelope names tenant and user, but contains no permissions.
   *
   * @throws {TenantContextMissingError} `PARTYWALL_CONTEXT_MISSING` outside a tenant context
   * @throws {TenantIsolationError} `PARTYWALL_TENANT_ISOLATION` inside a support visit, because the envelope could be used after the
   *   visit's end
   */
  exportContext(options: ExportOptions): Promise<string>
  /**
   * Opens an envelope and checks again that the tenant is active and that the user is still a member with the same roles.
   *
   * @throws {AuthenticationError} `PARTYWALL_AUTHENTICATION` forged, expired, or meant for something else
   * @throws {TenantInactiveError} `PARTYWALL_TENANT_INACTIVE` the tenant was suspended or removed since, or the user has left the tenant or
   *   lost a role
   * @throws {DependencyUnavailableError} `PARTYWALL_DEPENDENCY_UNAVAILABLE` if directory or membership can't be asked now
   */
  importContext(envelope: string, options: ImportOptions): Promise<TenantContext>
}

const bodySchema = z.strictObject({
  v: z.literal(1),
  id: z.string(),
  aud: z.string(),
  tenant: z.string().min(1),
  user: z.string().min(1),
  had: z.array(z.string()),
  exp: z.number(),
  job: z.string().optional(),
  payload: z.string().optional(),
  actor: z
    .object({ id: z.string(), type: z.enum(['user', 'staff', 'service']), reason: z.string().optional() })
    .optional(),
})
type Body = z.infer<typeof bodySchema>

const MAX_SECONDS = 30 * 86_400
const MAX_LENGTH = 16_384

/** Makes the functions that export and import a context. */
export function createEnvelopes(options: EnvelopeOptions): Envelopes {
  const { keys, directory, membership, events, now = Date.now } = options

  function refuse(reason: string): AuthenticationError {
    events.emit({ type: 'TOKEN_ATTACK', reason: `envelope: ${reason}` })
    return new AuthenticationError(`The envelope was refused: ${reason}.`, { details: { reason } })
  }

  function inactive(reason: 'unknown' | 'suspended' | 'not-a-member', body: Body): TenantInactiveError {
    events.emit({ type: 'TENANT_REFUSED', reason, tenantId: body.tenant, userId: body.user })
    return new TenantInactiveError('The context of this envelope is no longer valid.', { details: { reason } })
  }

  async function open(envelope: string): Promise<Body> {
    if (typeof envelope !== 'string' || envelope.length > MAX_LENGTH) throw refuse('malformed')
    const [text = '', mac = '', ...rest] = envelope.split('.')
    if (rest.length > 0) throw refuse('malformed')
    const given = createHash('sha256').update(mac).digest()
    const good = (await keys()).some((key) =>
      timingSafeEqual(createHash('sha256').update(sign(key, text)).digest(), given),
    )
    if (!good) throw refuse('signature')
    // The signature is valid, but the body may have a version that this process does not know.
    const body = bodySchema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')))
    if (!body.success) throw refuse('version')
    return body.data
  }

  async function rolesNow(body: Body, tier: string) {
    if (membership === undefined) return { roles: [], permissions: undefined }
    let answer: Awaited<ReturnType<CurrentMembership>>
    try {
      answer = await membership({ userId: body.user, tenant: { id: body.tenant, tier } })
    } catch (error) {
      if (isPartywallError(error)) throw error
      throw new DependencyUnavailableError('The membership could not be asked.', { cause: error })
    }
    if (answer === false || answer === null || typeof answer !== 'object') throw inactive('not-a-member', body)
    const hashes = new Set(answer.roles.map(roleHash))
    // If the user has lost a role since then, refuse: the job was accepted from a user with more permissions.
    if (!body.had.every((role) => hashes.has(role))) throw inactive('not-a-member', body)
    return { roles: answer.roles, permissions: answer.permissions }
  }

  return {
    async exportContext({ audience, jobId, payload, expiresIn }) {
      const context = getCurrentTenant()
      const frame = tenantStore.getStore()
      if (frame !== undefined && internalsOf(frame).visit !== undefined)
        throw new TenantIsolationError(
          'exportContext() cannot be used inside a support visit, because the envelope could be used after the end of the visit.',
        )
      if (typeof audience !== 'string' || audience === '')
        throw new ConfigurationError(
          'exportContext({ audience }): audience must name the receiver that may open the envelope.',
        )
      const body: Body = {
        v: 1,
        id: randomUUID(),
        aud: audience,
        tenant: context.tenantId,
        user: context.userId,
        had: membership === undefined ? [] : context.roles.map(roleHash),
        exp:
          Math.floor(now() / 1000) + Math.ceil(durationSeconds(expiresIn, 'exportContext({ expiresIn })', MAX_SECONDS)),
        ...(jobId === undefined ? {} : { job: jobId }),
        ...(payload === undefined ? {} : { payload: payloadHash(payload) }),
        ...(context.actor === undefined ? {} : { actor: context.actor }),
      }
      const [key] = await keys()
      if (key === undefined)
        throw new ConfigurationError('exportContext(): there is no key to sign with. Configure a seal secret.')
      const text = Buffer.from(JSON.stringify(body), 'utf8').toString('base64url')
      return `${text}.${sign(key, text)}`
    },

    async importContext(envelope, { audience, jobId, payload }) {
      const body = await open(envelope)
      if (body.aud !== audience) throw refuse('audience')
      if (now() / 1000 >= body.exp) throw refuse('expired')
      if (body.job !== jobId) throw refuse('job')
      if (body.payload !== (payload === undefined ? undefined : payloadHash(payload))) throw refuse('payload')
      const tenant = await directory.findById(body.tenant)
      if (tenant === undefined) throw inactive('unknown', body)
      if (!isActive(tenant)) throw inactive('suspended', body)
      const { roles, permissions } = await rolesNow(body, tenant.tier)
      return {
        tenantId: tenant.id,
        userId: body.user,
        roles,
        permissions,
        tier: tenant.tier,
        requestId: newRequestId(),
        ...(body.actor === undefined ? {} : { actor: actorOf(body.actor) }),
        ...placementOf(tenant),
      }
    },
  }
}

function actorOf({ id, type, reason }: NonNullable<Body['actor']>): Actor {
  return { id, type, ...(reason === undefined ? {} : { reason }) }
}

function sign(key: Uint8Array, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

function roleHash(role: string): string {
  return createHash('sha256').update(role, 'utf8').digest('base64url').slice(0, 16)
}

function payloadHash(payload: unknown): string {
  return createHash('sha256').update(canonicalJson(payload), 'utf8').digest('base64url')
}
