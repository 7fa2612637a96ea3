import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import { type Visitor, walkBody } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { AskProof } from './branch-input.ts'
import { rolesInReach } from './roles-in-reach.ts'
import { definerViewer } from './scope.ts'

const WRITES = ['insert', 'update'] as const

/**
 * A view or function that writes the relation with its owner's rights, if a role in reach (docs/glossary.md) can use it, and no policy
 * restricts the owner to one tenant.
 */
export function viewOrFunctionThatWrites(facts: Facts, relation: Relation, ask: AskProof): string | undefined {
  const mayWriteAs = (owner: Oid, verb: Verb) => {
    const viewer = definerViewer(facts, owner)
    if (viewer === 'bypass' || !facts.protectedFor(relation, viewer)) return true
    const proof = ask(relation, verb, viewer)
    return proof !== undefined && proof.status !== 'proved' && proof.status !== 'dark'
  }
  const view = [...facts.catalog.relations.values()].find(
    (candidate) =>
      candidate.kind === 'view' &&
      candidate.extension === undefined &&
      WRITES.some((verb) => isInReach(facts, candidate, verb) && mayWriteAs(candidate.owner, verb)) &&
      reads(facts, candidate, relation, new Set()),
  )
  if (view !== undefined) return view.label
  return facts.functions.find(
    (fn) =>
      fn.securityDefiner &&
      fn.kind !== 'aggregate' &&
      isCallable(facts, fn) &&
      WRITES.some((verb) => mayWriteAs(fn.owner, verb)) &&
      writes(facts, fn, relation),
  )?.label
}

function isInReach(facts: Facts, relation: Relation, verb: 'insert' | 'update'): boolean {
  const privilege = verb === 'insert' ? 'INSERT' : 'UPDATE'
  return rolesInReach(facts).some(({ role }) => facts.privileges.onRelation(role.oid, relation, privilege))
}

/** Whether a view reads the relation, directly or through other views. A view can only write tables that it reads. */
function reads(facts: Facts, view: Relation, relation: Relation, seen: Set<Oid>): boolean {
  if (seen.has(view.oid)) return false
  seen.add(view.oid)
  return view.readsRelations.some((oid) => {
    const read = facts.relationOf(oid)
    return oid === relation.oid || (read?.kind === 'view' && reads(facts, read, relation, seen))
  })
}

/** Whether a role of the application can run the function: by a call, or by a write to a table with a trigger that runs it. */
function isCallable(facts: Facts, fn: DatabaseFunction): boolean {
  if (!fn.returnsTrigger) return rolesInReach(facts).some(({ role }) => facts.privileges.onFunction(role.oid, fn))
  return facts.relations.some((relation) =>
    relation.triggers.some(
      (trigger) =>
        trigger.function === fn.oid &&
        trigger.enabled !== 'disabled' &&
        rolesInReach(facts).some(({ role }) =>
          (['INSERT', 'UPDATE', 'DELETE'] as const).some((privilege) =>
            facts.privileges.onRelation(role.oid, relation, privilege),
          ),
        ),
    ),
  )
}

/** Whether a function, or a function that it calls, may write the relation. True if the body of a volatile function can't be read. */
function writes(facts: Facts, fn: DatabaseFunction, relation: Relation): boolean {
  let found = false
  const seen = new Set<Oid>()
  const call = (called: DatabaseFunction) => {
    if (seen.has(called.oid) || called.extension !== undefined || called.schema === 'partywall') return
    seen.add(called.oid)
    const body = facts.sql.body(called)
    if (body.kind === 'unreadable') found ||= called.volatility === 'volatile' && called.kind !== 'aggregate'
    walkBody(body, visit)
  }
  const visit: Visitor = {
    query: ({ kind, target }) => {
      if (target === undefined || !/^(insert|update|merge)$/.test(kind)) return
      // A name without a schema counts as this relation, because the search_path at the call is not known.
      found ||= target.name === relation.name && (target.schema === undefined || target.schema === relation.schema)
    },
    expression: (part) => {
      if (part.kind === 'call') for (const called of facts.functionsNamed(part.schema, part.name)) call(called)
    },
    statement: (statement) => {
      found ||= statement.kind === 'dynamic'
    },
    unreadable: () => {
      found = true
    },
  }
  call(fn)
  return found
}
