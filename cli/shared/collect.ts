/** For options that may be repeated: the values so far, and one more. */
export function collect(value: string, known: readonly string[] = []): readonly string[] {
  return [...known, value]
}
