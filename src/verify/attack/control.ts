import type { Relation } from '../../catalog/model.ts'
import type { Verb } from '../../catalog/verbs.ts'
import { appliesTo, covers } from '../../prove/effective.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'

/**
 * The result of a control: a tenant, in its own context, reads or writes its own planted row.
 *
 * - `worked`: the statement had its effect;
 * - `dark`: the tenant does not see its own row, or did not reach it;
 * - `refused`: the policies refused the row that verify made. The row may lack a value that the policies test in addition to the tenant;
 * - `no-row`: the statement had no error and no effect on the row;
 * - `error`: the statement ended in an error, with the server's message;
 * - `not-run`: the control could not be tried, with the reason.
 */
export type Control =
  /** `needs`: the settings that the session needs in addition to its tenant. Undefined if the session needs no further setting. */
  | { readonly status: 'worked'; readonly needs?: string }
  | { readonly status: 'dark' | 'refused' | 'no-row' | 'not-run'; readonly how: string }
  | { readonly status: 'error'; readonly code: string; readonly how: string }

/** The results, strongest first. If a control ran twice, the stronger result counts. */
const ORDER = ['worked', 'error', 'dark', 'refused', 'no-row', 'not-run'] as const

/** The controls of a run, by table, verb and role. A control that worked counts for all tables of the same shape (see `shapeOf`). */
export class Controls {
  readonly #facts: Facts
  readonly #own = new Map<string, Control>()
  readonly #shapes = new Set<string>()

  constructor(facts: Facts) {
    this.#facts = facts
  }

  note(relation: Relation, verb: Verb, role: ActingRole, control: Control): void {
    const key = keyOf(relation, verb, role)
    const before = this.#own.get(key)
    if (before !== undefined && ORDER.indexOf(before.status) <= ORDER.indexOf(control.status)) return
    this.#own.set(key, control)
    if (control.status === 'worked') this.#shapes.add(shapeOf(this.#facts, relation, verb, role))
  }

  /** The control of the table or, if it could not be run, the control of another table of the same shape. */
  of(relation: Relation, verb: Verb, role: ActingRole): Control {
    const own = this.#own.get(keyOf(relation, verb, role)) ?? { status: 'not-run', how: 'no control was run' }
    if (own.status !== 'not-run') return own
    return this.#shapes.has(shapeOf(this.#facts, relation, verb, role)) ? { status: 'worked' } : own
  }
}

function keyOf(relation: Relation, verb: Verb, role: ActingRole): string {
  return `${relation.oid}/${verb}/${role.role.oid}`
}

/**
 * A text that is equal for tables of one shape. Such tables have the same policies for the verb and role, the same rights, and the same way
 * to name their tenant.
 */
function shapeOf(facts: Facts, relation: Relation, verb: Verb, role: ActingRole): string {
  const table = facts.tenantTable(relation)
  const generic = (text: string | undefined) =>
    text?.replace(new RegExp(`\\b${relation.name.replace(/[^\w]/g, '.')}\\b`, 'g'), '#')
  const policies = relation.policies
    .filter((policy) => covers(policy.command, verb) && appliesTo(policy, role))
    .map((policy) => [policy.permissive, generic(policy.using), generic(policy.check)].map(String).join(' '))
    .sort()
  return JSON.stringify([
    verb,
    role.role.oid,
    relation.kind,
    table?.kind,
    table?.column?.name,
    table?.column?.type,
    facts.privileges.onRelation(role.role.oid, relation, privilegeOf(verb)),
    facts.protectedFor(relation, role),
    policies,
  ])
}
