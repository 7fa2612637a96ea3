import { firstSerial, type Planting } from './planting.ts'

const MASK = '[planted value]'

/** Minimum length of a value that is masked. Shorter values are also in other texts. */
const MASKED_LENGTH = 6

/** How many serial numbers planted values use: a hundred for each table, and for the widest row a few more than it has columns. */
const SERIALS_OF_TABLE = 100
const SERIALS_OF_ROW = 1_700

/** Patterns of times and of the values that verify makes, also for rows that could not be stored. */
const MADE = [
  /\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d(?::?\d\d)?)?/g,
  /pw[0-9a-f]{6}(?:canary|shared)[AB]/g,
  /ba5e0000-0000-4000-8000-[0-9a-f]{12}/g,
  /\bpw-[0-9a-f]{6}-[ab]\b/g,
  /\bpwv\d+\b/g,
  /\bpartywall_(?:owner_[0-9a-f]{6}|login_[0-9a-f]{12})\b/g,
]

/**
 * Replaces planted values in a text, such as the error message of a trigger. Planted values differ from run to run. Without the mask, two
 * runs on the same schema would have different reports.
 */
export function maskPlanted({ nonce, tenants, rows }: Planting): (text: string) => string {
  const found = new Set<string>([tenants.a.id, tenants.b.id])
  for (const { a, b } of rows.values())
    for (const name of Object.keys({ ...a?.values, ...b?.values })) {
      const [own, other] = [a?.values[name], b?.values[name]]
      // A value that both rows have is a label or a default, unless it is a time.
      for (const value of [own, other])
        if (typeof value === 'string' && (own !== other || isTime(value))) found.add(value)
    }
  // A column that is too short for a canary contains only the end of the canary.
  for (let cut = 0; cut < nonce.length; cut += 1)
    for (const tail of ['canaryA', 'canaryB', 'sharedA', 'sharedB']) found.add(`${nonce.slice(cut)}${tail}`)
  const values = [...found].filter((value) => value.length >= MASKED_LENGTH).sort((x, y) => y.length - x.length)
  const first = firstSerial(nonce)
  const last = first + SERIALS_OF_TABLE * rows.size + SERIALS_OF_ROW
  const isSerial = (digits: string) => Number(digits) >= first && Number(digits) <= last
  return (text) => {
    let masked = text.replace(/\d{7,10}/g, (digits) => (isSerial(digits) ? MASK : digits))
    for (const pattern of MADE) masked = masked.replace(pattern, MASK)
    for (const value of values) if (masked.includes(value)) masked = replaceWhole(masked, value)
    return masked
  }
}

function isTime(value: string): boolean {
  return /^\d{4}-\d\d-\d\d/.test(value)
}

/** A number is replaced only where it is not part of a longer number. */
function replaceWhole(text: string, value: string): string {
  if (!/^\d+$/.test(value)) return text.replaceAll(value, MASK)
  return text.replace(/\d+/g, (digits) => (digits === value ? MASK : digits))
}
