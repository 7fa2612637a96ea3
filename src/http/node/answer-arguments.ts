/** Headers as `writeHead` takes them: an object, a flat list of names and values, or a list of pairs. */
export function headerEntries(headers: object): [name: string, value: string | string[]][] {
  if (!Array.isArray(headers)) return Object.entries(headers).map(([name, value]) => [name, headerValue(value)])
  const flat: readonly unknown[] = headers.flat()
  const grouped = new Map<string, string[]>()
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const name = String(flat[index])
    grouped.set(name, [...(grouped.get(name) ?? []), String(flat[index + 1])])
  }
  return Array.from(grouped, ([name, values]) => [name, values.length === 1 ? String(values[0]) : values])
}

function headerValue(value: unknown): string | string[] {
  return Array.isArray(value) ? value.map(String) : String(value)
}

/** The bytes that a call of `write` or `end` sends. Undefined if it sends none. */
export function chunkOf(args: readonly unknown[]): Buffer | undefined {
  const [chunk, encoding] = args
  if (typeof chunk === 'string') {
    return Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8')
  }
  return ArrayBuffer.isView(chunk) ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : undefined
}

/** The callback that the caller passed to `write` or `end`. */
export function callbacks(args: readonly unknown[]): unknown[] {
  return args.filter((argument) => typeof argument === 'function')
}

/** Calls the callback of `write` or `end`, as if the chunk had been sent. */
export function settle<T>(args: readonly unknown[], result: T): T {
  for (const callback of callbacks(args)) if (typeof callback === 'function') process.nextTick(() => callback())
  return result
}
