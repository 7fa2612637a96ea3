import { randomFillSync } from 'node:crypto'

// Reads random bytes for many ids in one call, because the call costs more than the bytes.
const BYTES_PER_ID = 10
const DIGITS_PER_ID = BYTES_PER_ID * 2
const pool = Buffer.alloc(BYTES_PER_ID * 256)
let digits = ''
let used = 0

const VARIANTS = '89ab'

/** The part that all ids of one millisecond share. */
let begun = ''
let begunAt = Number.NaN

/**
 * A new UUIDv7: sortable by time, unguessable in its random part.
 *
 * @see RFC 9562, section 5.7
 */
export function newRequestId(now: () => number = Date.now): string {
  if (used === digits.length) {
    digits = randomFillSync(pool).toString('hex')
    used = 0
  }
  const random = digits.slice(used, used + DIGITS_PER_ID)
  used += DIGITS_PER_ID
  const at = now()
  if (at !== begunAt) {
    const time = at.toString(16).padStart(12, '0')
    begun = `${time.slice(0, 8)}-${time.slice(8)}-7`
    begunAt = at
  }
  const variant = VARIANTS.charAt(Number.parseInt(random.charAt(3), 16) & 3)
  return `${begun}${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
