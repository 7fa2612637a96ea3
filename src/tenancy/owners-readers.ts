import type { Relation } from '../catalog/model.ts'
import type { Facts } from './facts.ts'

/** Definer functions, views with their owner's rights and materialized views of the table's owner that read it. */
export function ownersReaders(facts: Facts, relation: Relation): readonly string[] {
  const functions = facts.functions.filter(
    (fn) =>
      fn.securityDefiner &&
      fn.owner === relation.owner &&
      (fn.readsRelations.includes(relation.oid) || names(fn.source, relation) || names(fn.atomicBody ?? '', relation)),
  )
  const views = facts.relations.filter(
    (view) =>
      (view.kind === 'view' || view.kind === 'materialized-view') &&
      view.owner === relation.owner &&
      !/^(true|on|1|yes)$/i.test(view.options.get('security_invoker') ?? '') &&
      reads(facts, view, relation),
  )
  return [...functions.map((fn) => fn.label), ...views.map((view) => view.label)]
}

function reads(facts: Facts, view: Relation, table: Relation): boolean {
  const seen = new Set<number>()
  const edge = [...view.readsRelations]
  for (let next = edge.pop(); next !== undefined; next = edge.pop()) {
    if (next === table.oid) return true
    if (seen.has(next)) continue
    seen.add(next)
    edge.push(...(facts.relationOf(next)?.readsRelations ?? []))
  }
  return false
}

/** A word of the text is the table's name; of a name that must be quoted, any place where it stands. */
function names(text: string, { name }: Relation): boolean {
  if (!/^[\w$]+$/.test(name)) return text.includes(name)
  const wanted = name.toLowerCase()
  return (text.match(/[\w$]+/g) ?? []).some((word) => word.toLowerCase() === wanted)
}
