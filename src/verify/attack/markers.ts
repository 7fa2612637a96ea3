import type { Relation } from '../../catalog/model.ts'
import { quoteLiteral } from '../../catalog/names.ts'
import type { Arena } from './arena.ts'

/** Minimum length of a marker. Shorter values, such as a status or a small number, are in other rows too. */
const TELLING_LENGTH = 6

/** Texts that only B's rows of these tables contain. Whoever sees one of these texts has seen a row of B. */
export function markersOf(arena: Arena, relations: readonly Relation[]): readonly string[] {
  const markers = new Set<string>()
  for (const relation of relations) {
    const [own, other] = [arena.row(relation, 'a'), arena.row(relation, 'b')]
    for (const [column, value] of Object.entries(other?.values ?? {})) {
      if (value !== null && value.length >= TELLING_LENGTH && value !== own?.values[column]) markers.add(value)
    }
  }
  for (const shared of sharedTexts(arena)) markers.delete(shared)
  return [...markers]
}

const known = new WeakMap<Arena, readonly string[]>()

/** Values of planted rows in tables that belong to no tenant. Every tenant may see them. */
function sharedTexts(arena: Arena): readonly string[] {
  const before = known.get(arena)
  if (before !== undefined) return before
  const texts = arena.facts.relations
    .filter((relation) => arena.facts.tenantTable(relation) === undefined)
    .flatMap((relation) =>
      (['a', 'b'] as const).flatMap((side) => Object.values(arena.row(relation, side)?.values ?? {})),
    )
    .filter((value) => value !== null)
  known.set(arena, texts)
  return texts
}

/** SQL that is true if the text contains one of the markers. */
export function holdsMarker(text: string, markers: readonly string[]): string {
  const list = markers.map((marker) => quoteLiteral(marker)).join(', ')
  return `exists (select 1 from pg_catalog.unnest(array[${list}]::text[]) as m (t) where pg_catalog.strpos(${text}, m.t) > 0)`
}
