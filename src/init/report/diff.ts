/** The changed lines of two texts with two lines of context, as `diff -u` shows them, without its head. */
export function lineDiff(before: string, after: string): readonly string[] {
  const a = before.split('\n')
  const b = after.split('\n')
  const marks = marksOf(a, b)
  const near = marks.map((_, at) => marks.slice(Math.max(0, at - 2), at + 3).some(({ sign }) => sign !== ' '))
  const lines: string[] = []
  for (const [at, { sign, line }] of marks.entries()) {
    if (!near[at]) continue
    if (at > 0 && !near[at - 1] && lines.length > 0) lines.push('  …')
    lines.push(`${sign} ${line}`)
  }
  return lines
}

interface Marked {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

/** Compares the lines by their longest common subsequence. Files of an application are short enough for the table that this needs. */
function marksOf(a: readonly string[], b: readonly string[]): readonly Marked[] {
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
  const marks: Marked[] = []
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      marks.push({ sign: ' ', line: a[i] ?? '' })
      i++
      j++
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1)))
      marks.push({ sign: '-', line: a[i++] ?? '' })
    else marks.push({ sign: '+', line: b[j++] ?? '' })
  }
  return marks
}
