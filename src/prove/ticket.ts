import { createHash } from 'node:crypto'
import type { Relation } from '../catalog/model.ts'
import { mapExpression } from '../sql/map-expression.ts'
import type { Expr, Query } from '../sql/tree.ts'
import type { Facts } from '../tenancy/facts.ts'
import { isBareSelect } from './bare-select.ts'
import { isInReach } from './genuine.ts'

/** SHA-256 of the view's query as PostgreSQL prints it, white space aside, of all versions that were published. */
const TICKET_VIEW: ReadonlySet<string> = new Set(['17a19b13fd135ef57e8a94ccbffa46c50655adaab3d6d4fe8c7a3c783d5ecc0a'])

/** The same for the view partywall.placement. */
const PLACEMENT_VIEW: ReadonlySet<string> = new Set([
  'f11316994544c15a2f6523bb8fe6cc5e75616797841673c6f8ad1049b53a96c6',
])

const TENANT: Expr = { kind: 'call', schema: 'partywall', name: 'tenant_id', args: [] }

/**
 * The expression that a scalar subquery on partywall's own view `partywall.ticket` selects. The view's column contains the tenant of a
 * valid seal or NULL, like the result of `partywall.tenant_id()`. So the column is replaced by a call of that function.
 *
 * @returns undefined for any other query, or if the view or its table differs from what partywall creates
 */
export function ticketExpression(query: Query, facts: Facts): Expr | undefined {
  const [item, ...more] = query.from
  if (item?.kind !== 'table' || more.length > 0 || item.columns !== undefined) return undefined
  if (item.schema !== 'partywall' || item.name !== 'ticket' || !isBareSelect({ ...query, from: [] })) return undefined
  const target = query.targets[0]?.expr
  if (target === undefined || !isGenuineTicket(facts)) return undefined
  let nested = false
  const mine = item.alias ?? item.name
  const replaced = mapExpression(target, (part) => {
    // Names in a nested query may mean the tables of that query.
    if (part.kind === 'subquery') nested = true
    return part.kind === 'column' && part.name === 'tenant_id' && (part.table ?? mine) === mine ? TENANT : undefined
  })
  return nested ? undefined : replaced
}

function isGenuineTicket(facts: Facts): boolean {
  return isGenuineView('ticket', TICKET_VIEW, facts)
}

/** Whether `partywall.placement` is partywall's own: its column is the mark of a valid seal for a tenant's own schema, '' or NULL. */
export function isGenuinePlacement(facts: Facts): boolean {
  return isGenuineView('placement', PLACEMENT_VIEW, facts)
}

function isGenuineView(name: string, texts: ReadonlySet<string>, facts: Facts): boolean {
  const view = facts.relationNamed('partywall', name)
  const table = facts.relationNamed('partywall', 'tickets')
  return view !== undefined && table !== undefined && isOurView(view, texts, facts) && isOutOfReach(table, facts)
}

function isOurView(view: Relation, texts: ReadonlySet<string>, facts: Facts): boolean {
  if (view.kind !== 'view' || isInReach(view.owner, facts)) return false
  const printed = (view.viewDefinition ?? '').replace(/\s+/g, ' ').trim()
  return texts.has(createHash('sha256').update(printed).digest('hex'))
}

/** Whether no role in reach may insert a ticket into the table, or into an inheriting table, whose rows the view reads as well. */
function isOutOfReach(table: Relation, facts: Facts): boolean {
  if (table.kind !== 'table' || isInReach(table.owner, facts)) return false
  const roles = [...facts.acting, ...facts.becomable].map(({ role }) => role.oid)
  const written = roles.some((role) =>
    (['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] as const).some((privilege) =>
      facts.privileges.onRelation(role, table, privilege),
    ),
  )
  return (
    !written &&
    table.children.every((oid) => {
      const child = facts.relationOf(oid)
      return child !== undefined && isOutOfReach(child, facts)
    })
  )
}
