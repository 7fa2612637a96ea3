import type { SchemaPart } from '../../catalog/schema-parts.ts'

/** A part that only one of two schemas has, or that differs between them. */
export interface ChangedPart {
  readonly how: 'added' | 'removed' | 'changed'
  readonly part: SchemaPart
}

/** The parts that differ between two schemas, in the order of their names. */
export function changedParts(
  before: ReadonlyMap<string, SchemaPart>,
  after: ReadonlyMap<string, SchemaPart>,
): readonly ChangedPart[] {
  const changed: ChangedPart[] = []
  for (const [name, part] of before) {
    const now = after.get(name)
    if (now === undefined) changed.push({ how: 'removed', part })
    else if (now.text !== part.text) changed.push({ how: 'changed', part: now })
  }
  for (const [name, part] of after) if (!before.has(name)) changed.push({ how: 'added', part })
  return changed.sort((a, b) => a.part.name.localeCompare(b.part.name))
}
