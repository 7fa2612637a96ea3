/**
 * JSON with sorted keys: job queues store payloads as `jsonb`, which forgets the order of keys and doubles.
 *
 * What JSON can't hold is left out, as `JSON.stringify` does it.
 */
export function canonicalJson(value: unknown): string {
  const text = JSON.stringify(value, (_key, part: unknown) => (isPlainObject(part) ? sorted(part) : part))
  return text ?? 'null'
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function sorted(value: Readonly<Record<string, unknown>>): unknown {
  // A list of entries that becomes an object again; fromEntries keeps their order for all but integer-like keys, which every
  // engine sorts by itself.
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, value[key]]),
  )
}
