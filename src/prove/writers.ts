import type { DatabaseFunction, Oid, Relation } from '../catalog/model.ts'
import type { Verb } from '../catalog/verbs.ts'
import { type Visitor, walkBody } from '../sql/walk.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { AskProof } from './branch-input.ts'
import { rolesInReach } from './roles-in-reach.ts'
import { definerViewer } from './scope.ts'

const WRITES = ['insert', 'update'] as const

/** A view or function in reach that writes the relation with the rights of an owner whom no policy holds to his tenant. */
export function ownersWhoWrite(facts: Facts, relation: Relation, ask: AskProof): string | undefined {
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

/** What it reads, directly or through other views: what a view writes is among that. */
function reads(facts: Facts, view: Relation, relation: Relation, seen: Set<Oid>): boolean {
  if (seen.has(view.oid)) return false
  seen.add(view.oid)
  return view.readsRelations.some((oid) => {
    const read = facts.relationOf(oid)
    return oid === relation.oid || (read?.kind === 'view' && reads(facts, read, relation, seen))
  })
}

/** By a call, or by a trigger of a table that can be written. */
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

/** Whether the body, or one that it calls, writes the relation, or does what can't be seen. */
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
      // Whatever table of that name it is: nobody's path is known here.
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
