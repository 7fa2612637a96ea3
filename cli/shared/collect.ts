/** Adds a value to the earlier values of an option that may be repeated. */
export function collect(value: string, known: readonly string[] = []): readonly string[] {
  return [...known, value]
}
