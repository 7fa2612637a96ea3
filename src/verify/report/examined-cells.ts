import type { Relation } from '../../catalog/model.ts'
import type { TablePrivilege } from '../../catalog/privileges.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { isCrossing } from '../attack/arena.ts'
import type { ExaminedCell, ExaminedGrant } from './examined.ts'
import type { JudgedScope } from './judge-scope.ts'

const WHOLE: readonly TablePrivilege[] = ['DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN']
const BY_COLUMN = ['SELECT', 'INSERT', 'UPDATE', 'REFERENCES'] as const

/** The privileges of each role that was tried, as PostgreSQL counts them. */
export function grantsOf(scopes: readonly JudgedScope[]): readonly ExaminedGrant[] {
  const found = new Map<string, ExaminedGrant>()
  for (const { facts } of scopes)
    for (const { role } of facts.acting)
      for (const relation of facts.relations) {
        const privileges = privilegesOn(facts, role.oid, relation)
        if (privileges.length === 0) continue
        found.set(`${role.name}/${relation.label}`, { role: role.name, object: relation.label, privileges })
      }
  return [...found.values()]
}

function privilegesOn(facts: Facts, role: number, relation: Relation): readonly string[] {
  const { privileges } = facts
  if (relation.kind === 'sequence')
    return (['USAGE', 'SELECT', 'UPDATE'] as const).filter((name) => privileges.onSequence(role, relation, name))
  const byColumn = BY_COLUMN.flatMap((name) => {
    const granted = relation.columns.filter((column) => privileges.onColumn(role, relation, column, name))
    if (granted.length === 0) return []
    return [
      granted.length === relation.columns.length ? name : `${name} (${granted.map((each) => each.name).join(', ')})`,
    ]
  })
  return [...byColumn, ...WHOLE.filter((name) => privileges.onRelation(role, relation, name))]
}

/** The outcome of each cell as each role. A table that several scopes judge has the cells of each scope's roles. */
export function cellsOf(scopes: readonly JudgedScope[]): readonly ExaminedCell[] {
  return scopes.flatMap((scope) => {
    const reached = reachedIn(scope)
    return scope.facts.relations
      .filter((relation) => scope.facts.tenantTable(relation) !== undefined)
      .flatMap((relation) =>
        scope.facts.acting
          .filter(({ bypasses }) => !bypasses)
          .flatMap((role) => VERBS.map((verb) => cellOf(scope, relation, verb, role, reached))),
      )
  })
}

/** Number of observations of each cell. All cells are counted in one pass, because a schema that leaks has many observations. */
function reachedIn({ run }: JudgedScope): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const seen of run?.ledger.observations ?? []) {
    if (!isCrossing(seen)) continue
    const key = keyOf(seen.crossing.relation, seen.crossing.verb, seen.crossing.by.role)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

function keyOf(relation: Relation, verb: Verb, { role }: ActingRole): string {
  return `${relation.oid}/${verb}/${role.oid}`
}

function cellOf(
  { facts, run }: JudgedScope,
  relation: Relation,
  verb: Verb,
  role: ActingRole,
  reached: ReadonlyMap<string, number>,
): ExaminedCell {
  const cell = { object: relation.label, verb, role: role.role.name }
  if (!facts.reach(relation, privilegeOf(verb)).includes(role)) return { ...cell, proof: 'none', tries: 0, reached: 0 }
  const proof = facts.proofs.of(relation, verb, role).status
  if (run === undefined) return { ...cell, proof, tries: 0, reached: 0 }
  return {
    ...cell,
    proof,
    control: run.ledger.controls.of(relation, verb, role).status,
    tries: run.ledger.triesOf(relation, verb, role),
    reached: reached.get(keyOf(relation, verb, role)) ?? 0,
  }
}
