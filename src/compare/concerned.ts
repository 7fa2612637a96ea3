import type { Relation } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'

/**
 * The relations that the statements name, and the relations whose policies or definitions read a named relation. All relations if the
 * statements name none.
 */
export function concerned({ relations }: Facts, statements: string): readonly Relation[] {
  const words = wordsOf(statements)
  const found = new Set(relations.filter((relation) => words.has(relation.name)))
  if (found.size === 0) return relations
  for (let before = -1; before !== found.size; ) {
    before = found.size
    const oids = new Set([...found].map((relation) => relation.oid))
    for (const relation of relations) {
      const reads = [
        ...relation.readsRelations,
        ...relation.parents,
        ...relation.policies.flatMap((each) => each.relations),
      ]
      if (reads.some((oid) => oids.has(oid))) found.add(relation)
    }
  }
  return [...found]
}

/** All words in the statements, among them the names of objects. */
export function wordsOf(statements: string): ReadonlySet<string> {
  return new Set(statements.match(/[\w$\u0080-\uffff]+/g))
}
