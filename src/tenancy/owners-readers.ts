import type { Relation } from '../catalog/model.ts'
import type { Facts } from './facts.ts'

/** SECURITY DEFINER functions, views and materialized views of the table's owner that read the table with the owner's rights. */
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

/** Whether the text contains the table's name as a word. A name that needs quotes counts anywhere in the text. */
function names(text: string, { name }: Relation): boolean {
  if (!/^[\w$]+$/.test(name)) return text.includes(name)
  const wanted = name.toLowerCase()
  return (text.match(/[\w$]+/g) ?? []).some((word) => word.toLowerCase() === wanted)
}
