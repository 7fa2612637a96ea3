import { createHash } from 'node:crypto'
import type { DatabaseFunction, Oid } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'

/** SHA-256 of the bodies in migrations/partywall/0001_seal.sql, 0016_tickets.sql, 0018_schemas.sql and 0021_ended_moves.sql, of all versions that were published. */
const TENANT_ID: ReadonlySet<string> = new Set(['5fcb514f9056784578b0374ec2339c6260f20f6542d3cff956e3881b9e34b57c'])
const SEALED_BODY: ReadonlySet<string> = new Set([
  'ce45a1d5925951203cb721c8117bd6cf151b8f96b5b880000fd6ef562ff96d82',
  '670dbe71848f9d9611c42c4668b3fe6b22a3731782c01eeaee8585b8496814e2',
  '3244c513a37476c672068ec6899140335fae8b19a32195407194bc7f2ee515c8',
])
const REGISTER_TICKETS: ReadonlySet<string> = new Set([
  'a73044592b2305cf9035a1d7b53f30b1f702028660be810ef33b18dec3b88e00',
  'dcb02fc2f556176d4e1a70af12fd8ff886a571ff4ffa2ce7d80d7e546635de21',
  'f0748864f5a841e5ee0c71abae8b3f57b26af06fce1c16b17a7da2218ba95d9c',
])

const PLACED_MARK: ReadonlySet<string> = new Set(['4931e09536ba97618970a0d2b2cc9878545cee63e503ac38fdd03a496269cc52'])

/** Whether this is partywall's own `tenant_id()`, which returns the tenant of a valid seal, and no other function of that name. */
export function isGenuineContext(fn: DatabaseFunction, facts: Facts): boolean {
  if (fn.schema !== 'partywall' || fn.name !== 'tenant_id' || !isOurs(fn, TENANT_ID, facts)) return false
  const [body, ...more] = facts.functionsNamed('partywall', 'sealed_body')
  return body !== undefined && more.length === 0 && isOurs(body, SEALED_BODY, facts)
}

/** Whether `partywall.placed_mark()` is partywall's own, which returns the hash of the tenant that a valid seal names, with its schema. */
export function isGenuineMark(facts: Facts): boolean {
  const [mark, ...more] = facts.functionsNamed('partywall', 'placed_mark')
  const [body, ...bodies] = facts.functionsNamed('partywall', 'sealed_body')
  if (mark === undefined || body === undefined || more.length + bodies.length > 0) return false
  return isOurs(mark, PLACED_MARK, facts) && isOurs(body, SEALED_BODY, facts)
}

function isOurs(fn: DatabaseFunction, bodies: ReadonlySet<string>, facts: Facts, takes = 0): boolean {
  if (
    fn.arguments.length !== takes ||
    !fn.securityDefiner ||
    !/^pg_catalog, *pg_temp$/.test(fn.config.get('search_path') ?? '')
  )
    return false
  return !isInReach(fn.owner, facts) && bodies.has(createHash('sha256').update(fn.source).digest('hex'))
}

/** Whether some role that the application can act as has the rights of this owner. */
export function isInReach(owner: Oid, facts: Facts): boolean {
  return [...facts.acting, ...facts.becomable].some(({ role }) => facts.privileges.owns(role.oid, owner))
}

/** Whether this is partywall's own `register_tickets()`, which accepts only tickets with the application's MAC, and returns a number. */
export function isGenuineRegistration(fn: DatabaseFunction, facts: Facts): boolean {
  return fn.schema === 'partywall' && fn.name === 'register_tickets' && isOurs(fn, REGISTER_TICKETS, facts, 2)
}

/** Whether a call means partywall's own `tenant_id()`. */
export function callsGenuineContext(
  call: { readonly schema: string | undefined; readonly name: string },
  facts: Facts,
): boolean {
  if (call.schema !== 'partywall' || call.name !== 'tenant_id') return false
  const [only, ...more] = facts.functionsNamed(call.schema, call.name)
  return only !== undefined && more.length === 0 && isGenuineContext(only, facts)
}
