import type { Actor } from '../context/tenant-context.ts'
import { type ClaimReader, compileReader } from './claim-path.ts'
import type { ClaimReaders } from './options.ts'
import type { Preset } from './presets/preset.ts'
import { TokenRefusedError } from './refusal.ts'
import { isRecord, type RawClaims } from './strict-json.ts'

/** User, tenant and permissions in a token. */
export interface Identity {
  readonly tenantClaim: string
  readonly userId: string
  readonly roles: readonly string[]
  /** Undefined if the token has no such claim. An empty claim means that nothing is permitted. */
  readonly permissions: readonly string[] | undefined
  readonly actor?: Actor
}

/** Reads and checks the identity of one issuer's claims. @throws {TokenRefusedError} */
export type ReadIdentity = (claims: RawClaims) => Identity

/** ASCII only: look-alike letters, white space and control characters make two tenants look like one. */
const TENANT = /^[A-Za-z0-9_][A-Za-z0-9_.:@|~+=-]{0,127}$/
const PRINTABLE = /^[\x21-\x7e]{1,128}$/
const MAX_LIST = 256

type Reader = (claims: RawClaims) => unknown

/** Joins a preset and the user's own readers. Each reader of the user replaces the preset's reader of the same name. */
export function compileIdentity(preset: Preset | undefined, readers: ClaimReaders = {}): ReadIdentity {
  const tenant = choose(readers.tenant, preset?.tenant)
  const user = choose(readers.user, preset?.user ?? ((claims) => claims['sub']))
  const roles = choose(readers.roles, preset?.roles)
  const permissions = choose(readers.permissions, preset?.permissions)
  const actor = choose(readers.actor, actorOf)
  const sameTenant = (readers.sameTenant ?? []).map(compileReader)
  return (claims) => {
    const tenantClaim = requireTenantClaim(tenant(claims))
    for (const other of sameTenant) {
      const value = other(claims)
      if (value !== undefined && value !== tenantClaim) throw new TokenRefusedError('tenant-ambiguous')
    }
    const acting = readActor(actor(claims))
    return {
      tenantClaim,
      userId: requireUser(user(claims)),
      roles: readList(roles(claims), 'roles', (text) => [text]),
      permissions: readPermissions(permissions(claims)),
      ...(acting === undefined ? {} : { actor: acting }),
    }
  }
}

function choose(own: ClaimReader | undefined, otherwise: Reader | undefined): Reader {
  if (own !== undefined) return compileReader(own)
  return otherwise ?? (() => undefined)
}

function requireTenantClaim(value: unknown): string {
  if (value === undefined || value === null) throw new TokenRefusedError('tenant-missing')
  if (typeof value !== 'string' || !TENANT.test(value)) throw new TokenRefusedError('tenant-invalid')
  return value
}

function requireUser(value: unknown): string {
  if (value === undefined) throw new TokenRefusedError('claim-missing', 'user')
  if (typeof value !== 'string' || !PRINTABLE.test(value)) throw new TokenRefusedError('claim-invalid', 'user')
  return value
}

/** Reads the permissions. `null` counts as a claim without permissions. */
function readPermissions(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined
  return readList(value, 'permissions', (text) => text.split(' ').filter((part) => part !== ''))
}

function readList(value: unknown, name: string, split: (text: string) => readonly string[]): readonly string[] {
  if (value === undefined || value === null) return Object.freeze([])
  const list: unknown = typeof value === 'string' ? split(value) : value
  if (!Array.isArray(list) || list.length > MAX_LIST) throw new TokenRefusedError('claim-invalid', name)
  const entries = list.map((entry: unknown) => {
    if (typeof entry !== 'string' || entry === '' || entry.length > 256)
      throw new TokenRefusedError('claim-invalid', name)
    return entry
  })
  return Object.freeze([...new Set(entries)])
}

/** RFC 8693 section 4.1: the outermost `act` is the current actor. */
function actorOf(claims: RawClaims): unknown {
  const act = claims['act']
  if (act === undefined) return undefined
  return isRecord(act) ? (act['sub'] ?? null) : null
}

/** Reads the actor. A token whose actor claim names nobody is refused, because the audit log would attribute the action to the user. */
function readActor(value: unknown): Actor | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !PRINTABLE.test(value)) throw new TokenRefusedError('claim-invalid', 'act')
  return Object.freeze({ id: value, type: 'staff' as const })
}
