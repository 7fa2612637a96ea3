/**
 * A JavaScript value in PostgreSQL's text form, as pg writes a parameter: Date with its offset, Buffer as hex, arrays as array
 * literals, other objects as JSON. `undefined` and `null` are NULL.
 */
export function columnText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return arrayLiteral(value)
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

function arrayLiteral(values: readonly unknown[]): string {
  const items = values.map((value) => {
    if (Array.isArray(value)) return arrayLiteral(value)
    const text = columnText(value)
    return text === null ? 'NULL' : `"${text.replace(/(["\\])/g, '\\$1')}"`
  })
  return `{${items.join(',')}}`
}
