import { types } from 'node:util'

/** Tells whether an id in the data and the context's tenant id are the same tenant. */
export type SameTenant = (id: string | number | bigint, tenantId: string) => boolean

/** Result of comparing a tenant field with the context's tenant. */
type TenantValueVerdict = 'same' | 'foreign' | 'empty' | 'odd'

// PostgreSQL reads all these spellings of a uuid: upper case, in braces, without hyphens.
const uuid = /^\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i

/**
 * The default comparison: by the canonical form of an id.
 *
 * All spellings of a uuid that PostgreSQL reads are equal. A number or bigint is compared by its decimal form. A number beyond ±(2^53 - 1)
 * is never the same, because it may have been rounded.
 */
export const sameTenantId: SameTenant = (id, tenantId) => {
  if (id === tenantId) return true
  if (typeof id === 'bigint') return String(id) === tenantId
  if (typeof id === 'number') return Number.isSafeInteger(id) && String(id) === tenantId
  return uuid.test(id) && uuid.test(tenantId) && bareUuid(id) === bareUuid(tenantId)
}

function bareUuid(text: string): string {
  return text.replace(/[{}-]/g, '').toLowerCase()
}

/** Judges a primitive value of a tenant field; objects go through {@link idOfObject} first. */
export function judgeTenantValue(value: unknown, tenantId: string, same: SameTenant): TenantValueVerdict {
  if (typeof value === 'string') {
    if (value === tenantId) return 'same'
    if (value === '') return 'empty'
    return same(value, tenantId) ? 'same' : 'foreign'
  }
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (same(value, tenantId)) return 'same'
    return Number(value) === 0 || Number.isNaN(value) ? 'empty' : 'foreign'
  }
  return value === null ? 'empty' : 'odd'
}

/** The id in an object in a tenant field: a boxed string or a binary uuid. Undefined for other objects. */
export function idOfObject(value: object): unknown {
  if (types.isBoxedPrimitive(value)) return value.valueOf()
  if (types.isUint8Array(value) && value.length === 16) return Buffer.from(value).toString('hex')
  return undefined
}
