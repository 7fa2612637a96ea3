/** One thing that attacks saw, and the contexts in which they saw it. */
interface Sighting {
  readonly role: string
  readonly saw: string
  readonly contexts: readonly string[]
}

const LINE = /^as ([^,]+), (.+?): ((?:SELECT|INSERT|UPDATE|DELETE|MERGE|TRUNCATE)\b.*)$/s

/** Joins lines of evidence that say the same about one role in several contexts. Other lines are not changed. */
export function joinEvidence(lines: readonly string[]): readonly string[] {
  const sightings = new Map<string, Sighting>()
  const others: string[] = []
  for (const line of lines) {
    const [, role, context, saw] = LINE.exec(line) ?? []
    if (role === undefined || context === undefined || saw === undefined) {
      others.push(line)
      continue
    }
    const key = JSON.stringify([role, saw])
    sightings.set(key, { role, saw, contexts: [...(sightings.get(key)?.contexts ?? []), context] })
  }
  const joined = [...sightings.values()].map(({ role, saw, contexts }) =>
    contexts.length === 1
      ? `as ${role}, ${contexts[0]}: ${saw}`
      : `as ${role}: ${saw}; in ${contexts.length} contexts: ${contexts.join('; ')}`,
  )
  return [...others, ...joined]
}

/** The roles as which lines of evidence acted. */
export function actorsIn(lines: readonly string[]): readonly string[] {
  return [...new Set(lines.flatMap((line) => /^as ([^,:]+)[,:]/.exec(line)?.[1]?.split(' → ').at(-1) ?? []))]
}
