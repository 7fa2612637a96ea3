import type { AccessControl } from '../access/access-control.ts'
import { ConfigurationError } from '../errors.ts'

/**
 * Refuses the request unless the current context has the permission. Returns a promise only if something must be awaited.
 *
 * @param object loads the object for grants with conditions. Without it, the permission is checked without an object
 * @throws {PermissionDeniedError} `PARTYWALL_PERMISSION_DENIED`; emits PERMISSION_DENIED
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if `access` is undefined
 */
export function checkPermission<P extends string>(
  access: AccessControl<P> | undefined,
  permission: P,
  object?: () => object | undefined | Promise<object | undefined>,
): void | Promise<void> {
  const checked = requireAccess(access, 'permission')
  if (object === undefined && checked.isLoaded()) {
    checked.requirePermission(permission)
    return
  }
  return loadAndCheck(checked, permission, object)
}

/** Options of an adapter's `requirePermission`. */
export interface PermissionOptions<Context> {
  /** Loads the object for grants with conditions. If it is left out, the permission is checked without an object. */
  readonly object?: (context: Context) => object | undefined | Promise<object | undefined>
}

/**
 * The check of an adapter's `requirePermission(access, permission, options)`, made once for each route.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function permissionCheck<P extends string, Context>(
  access: AccessControl<P> | undefined,
  permission: P,
  { object }: PermissionOptions<Context>,
): (context: Context) => void | Promise<void> {
  const caller = 'requirePermission(access, permission)'
  const checked = requireAccess(access, caller)
  requirePermissionName(permission, caller)
  return (context) => checkPermission(checked, permission, object === undefined ? undefined : () => object(context))
}

async function loadAndCheck<P extends string>(
  access: AccessControl<P>,
  permission: P,
  object: (() => object | undefined | Promise<object | undefined>) | undefined,
): Promise<void> {
  await access.load()
  access.requirePermission(permission, await object?.())
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the wall has no access control */
export function requireAccess<P extends string>(
  access: AccessControl<P> | undefined,
  caller: string,
): AccessControl<P> {
  if (access !== undefined) return access
  throw new ConfigurationError(`${caller}: access is undefined. Configure it: createPartywall({ access: { roles } }).`)
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` unless the permission is a name */
export function requirePermissionName(permission: unknown, caller: string): void {
  if (typeof permission !== 'string' || permission === '')
    throw new ConfigurationError(`${caller}: the permission must be a name such as documents:read.`)
}

/** @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` without a reason of at least 8 characters */
export function requirePublicReason(reason: unknown, caller: string): void {
  if (typeof reason !== 'string' || reason.trim().length < 8)
    throw new ConfigurationError(`${caller}: say in at least 8 characters why this route needs no permission.`)
}
