/**
 * JSON with sorted member names and no white space, so that equal values have equal texts. Job queues store payloads as `jsonb`, which does
 * not keep the order of keys.
 *
 * Like `JSON.stringify`, it leaves out values that JSON can't represent, and calls `toJSON()`.
 *
 * @see RFC 8785 (JSON Canonicalization Scheme)
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`
  if (hasToJson(value)) return canonicalJson(value.toJSON())
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`)
  return `{${members.join(',')}}`
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return value !== null && typeof value === 'object' && 'toJSON' in value && typeof value.toJSON === 'function'
}
