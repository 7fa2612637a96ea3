import type { DatabaseFunction, Oid, Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { definerViewer } from '../../prove/scope.ts'
import { type Visitor, walkBody, walkQuery } from '../../sql/walk.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { tablesOf } from './definer-code.ts'
import { isSealed } from './seal-facts.ts'
import { isInvokerView, writableVerbs } from './view-access.ts'

// tenant_seal_policy applies to the application's roles. To code that runs as the table's owner, only policies for the owner apply, and
// these policies read the plain setting.

/**
 * A table that a view or function uses with the rights of the view's or function's owner, if no policy on the seal applies to that owner.
 */
interface OwnersUse {
  readonly relation: Relation
  readonly verb: Verb
}

/** The tenant tables that a view in reach uses with the rights of its owner, or of the owner of a view inside it. */
export function unsealedByView(facts: Facts, view: Relation): readonly OwnersUse[] {
  if (view.kind !== 'view') return []
  const verbs: readonly Verb[] = [
    ...(facts.reach(view, 'SELECT').length > 0 ? ['select' as const] : []),
    ...writableVerbs(facts, view),
  ]
  const uses: OwnersUse[] = []
  const visit = (relation: Relation, reader: Oid | undefined, seen: ReadonlySet<Oid>): void => {
    const parsed = facts.sql.view(relation)
    if (parsed.ok && asksSeal((visitor) => walkQuery(parsed.value, visitor))) return
    for (const oid of relation.readsRelations) {
      const read = facts.relationOf(oid)
      if (read === undefined || seen.has(oid)) continue
      if (read.kind === 'view') visit(read, isInvokerView(read) ? reader : read.owner, new Set([...seen, oid]))
      else if (reader !== undefined)
        uses.push(...verbs.map((verb) => ({ relation: read, verb })).filter((use) => isUnsealed(facts, use, reader)))
    }
  }
  visit(view, isInvokerView(view) ? undefined : view.owner, new Set([view.oid]))
  return uses
}

/**
 * The tenant tables that a SECURITY DEFINER function uses with its owner's rights. The table of tenants is left out: sign-ins look it up.
 */
export function unsealedByFunction(facts: Facts, fn: DatabaseFunction): readonly OwnersUse[] {
  const body = facts.sql.body(fn)
  if (asksSeal((visitor) => walkBody(body, visitor))) return []
  const uses: OwnersUse[] = []
  walkBody(body, {
    query: (query) => {
      for (const relation of tablesOf(facts, query)) {
        const target = query.target !== undefined && facts.relationNamed(query.target.schema, query.target.name)
        const { kind } = query
        const verb =
          target === relation && (kind === 'insert' || kind === 'update' || kind === 'delete') ? kind : 'select'
        const use = { relation, verb } as const
        if (facts.tenantTable(relation)?.kind !== 'root' && isUnsealed(facts, use, fn.owner)) uses.push(use)
      }
    },
  })
  return uses
}

/**
 * Whether policies of a tenant table apply to the owner, but none of them reads the seal. Other rules report owners to whom no policy
 * applies.
 */
function isUnsealed(facts: Facts, { relation, verb }: OwnersUse, owner: Oid): boolean {
  const viewer = definerViewer(facts, owner)
  const table = facts.tenantTable(relation)
  if (table === undefined || table.kind === 'child' || viewer === 'bypass') return false
  if (!facts.protectedFor(relation, viewer) || isSealed(facts, relation, verb, viewer)) return false
  return facts.proofs.of(relation, verb, viewer).status !== 'dark'
}

function asksSeal(walk: (visitor: Visitor) => void): boolean {
  let asks = false
  walk({
    expression: (expr) => {
      asks ||= expr.kind === 'call' && expr.schema === 'partywall'
    },
  })
  return asks
}
