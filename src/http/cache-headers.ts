/**
 * Answers to tenants stay out of shared caches. All tenants use the same URLs, so a cache whose key is only the URL would give one tenant's
 * answer to another.
 *
 * A handler may set another `Cache-Control` for data that belongs to no tenant.
 *
 * @see RFC 9111, sections 3.5 and 4.1
 */
export const CACHE_CONTROL = 'private, no-cache'

/** Adds `Authorization` to the value of a `Vary` header. */
export function varyByToken(vary: string | undefined): string {
  if (vary === undefined || vary === '') return 'Authorization'
  const names = vary.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') || names.includes('authorization') ? vary : `${vary}, Authorization`
}
