import type { Relation, RelationKind, Role } from '../../catalog/model.ts'
import { VERBS, type Verb } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { privilegeOf } from '../../tenancy/reach.ts'
import { isCrossing, type Observation } from '../attack/arena.ts'
import type {
  AttackCount,
  Examined,
  ExaminedControl,
  ExaminedLeak,
  ExaminedRelation,
  ExaminedRole,
  ObjectKind,
} from './examined.ts'
import { cellsOf, grantsOf } from './examined-cells.ts'
import { functionsOf, rewriteRulesOf, triggersOf, viewsOf } from './examined-code.ts'
import { fleetRelationsOf } from './examined-fleet.ts'
import type { JudgedScope } from './judge-scope.ts'
import { type ServerFacts, storedSettingsOf } from './read-server-facts.ts'
import { strongRoles, untriedGrants, untriedRoles } from './untried-roles.ts'
import { untriedWideGrants, wideGrantsOf, wideRoles } from './wide-grants.ts'

/** Collects what the scopes of a run looked at. The catalog is the same for all scopes. */
export function examinedIn(scopes: readonly [JudgedScope, ...(readonly JudgedScope[])], server: ServerFacts): Examined {
  const { facts } = scopes[0]
  const tried = new Set(scopes.flatMap((scope) => scope.facts.acting.map(({ role }) => role.oid)))
  const untried = untriedRoles(facts, tried)
  const { isOwn, ...read } = server
  const beside = isOwn ? [] : strongRoles(facts, tried)
  const schemas = new Set(scopes.flatMap((scope) => [...scope.facts.tenancy.schemas, ...fleetSchemas(scope.facts)]))
  return {
    schemas: [...schemas].sort(),
    objects: countObjects(facts),
    tenantSchemas: fleetSchemas(facts).length,
    tenantRelations: fleetRelationsOf(facts),
    server: { ...read, stored: storedSettingsOf(facts) },
    roles: rolesOf(scopes, [...untried, ...wideRoles(facts, tried), ...beside]),
    ownSchema: schemas.has('partywall') ? undefined : ownSchemaOf(facts),
    relations: facts.relations
      .filter(({ kind }) => kind !== 'sequence')
      .map((relation) => relationOf(relation, scopes)),
    grants: grantsOf(scopes),
    untriedGrants: untriedGrants(facts, untried),
    wideGrants: wideGrantsOf(scopes),
    untriedWideGrants: untriedWideGrants(facts, tried),
    functions: functionsOf(scopes),
    triggers: triggersOf(facts),
    views: viewsOf(facts),
    rewriteRules: rewriteRulesOf(facts),
    cells: cellsOf(scopes),
    attacks: joinCounts(scopes.flatMap(({ run }) => run?.counts ?? [])),
    controls: scopes.flatMap(controlsOf),
    leaks: leaksOf(scopes),
    scripts: scopes.flatMap(({ run }) => run?.ledger.scripts() ?? []),
    held: scopes.flatMap(({ run }) => run?.held ?? []),
  }
}

function ownSchemaOf({ catalog }: Facts): Examined['ownSchema'] {
  if (![...catalog.schemas.values()].some(({ name }) => name === 'partywall')) return undefined
  const functions = [...catalog.functions.values()].filter(({ schema }) => schema === 'partywall')
  return { functions: functions.length, definers: functions.filter(({ securityDefiner }) => securityDefiner).length }
}

function fleetSchemas({ fleet }: Facts): readonly string[] {
  return fleet?.schemas.map(({ name }) => name) ?? []
}

function countObjects({ relations, functions }: Facts): Readonly<Record<ObjectKind, number>> {
  const kind = (name: RelationKind) => relations.filter((relation) => relation.kind === name).length
  const parts = (count: (relation: Relation) => number) =>
    relations.reduce((total, relation) => total + count(relation), 0)
  return {
    table: kind('table'),
    'partitioned-table': kind('partitioned-table'),
    view: kind('view'),
    'materialized-view': kind('materialized-view'),
    'foreign-table': kind('foreign-table'),
    sequence: kind('sequence'),
    function: functions.length,
    'security-definer': functions.filter(({ securityDefiner }) => securityDefiner).length,
    policy: parts(({ policies }) => policies.length),
    trigger: parts(({ triggers }) => triggers.length),
    'foreign-key': parts(({ constraints }) => constraints.filter((each) => each.kind === 'foreign-key').length),
    'rewrite-rule': parts(({ rules }) => rules.length),
  }
}

function rolesOf(scopes: readonly JudgedScope[], untried: readonly Role[]): readonly ExaminedRole[] {
  const found = new Map<string, ExaminedRole>()
  for (const { facts } of scopes) {
    const owned = (role: Role) =>
      facts.relations.filter(({ owner, kind }) => owner === role.oid && kind !== 'sequence').map(({ label }) => label)
    const add = (role: Role, path: readonly string[] | undefined) => {
      const before = found.get(role.name)
      if (before !== undefined && (before.path !== undefined || path === undefined)) return
      const { name, login, superuser, bypassRls, replication } = role
      const memberOf = facts.catalog.memberships
        .filter(({ member }) => member === role.oid)
        .map((membership) => facts.roleName(membership.role))
        .sort()
      found.set(name, { name, login, superuser, bypassRls, replication, memberOf, path, owns: owned(role) })
    }
    for (const { role, path } of facts.acting) add(role, path)
    for (const { role, path } of facts.becomable) add(role, path)
    for (const role of untried) add(role, undefined)
  }
  return [...found.values()]
}

function relationOf(relation: Relation, scopes: readonly JudgedScope[]): ExaminedRelation {
  const [facts] = scopes.flatMap((scope) => (scope.facts.tenantTable(relation) === undefined ? [] : [scope.facts]))
  const table = facts?.tenantTable(relation)
  const nameOf = (oid: number) => scopes[0]?.facts.roleName(oid) ?? String(oid)
  return {
    object: relation.label,
    kind: relation.kind,
    owner: nameOf(relation.owner),
    rowSecurity: relation.rowSecurity,
    forced: relation.forceRowSecurity,
    bound: table?.kind,
    column: table?.column?.name,
    policies: relation.policies.map(({ name, permissive, command, roles, using, check }) => ({
      name,
      permissive,
      command,
      roles: roles.map(nameOf),
      using,
      check,
    })),
  }
}

function joinCounts(counts: readonly AttackCount[]): readonly AttackCount[] {
  const joined = new Map<string, AttackCount>()
  for (const count of counts) {
    const { probes = 0, reached = [], said = [] } = joined.get(count.name) ?? {}
    joined.set(count.name, {
      ...count,
      probes: probes + count.probes,
      reached: [...new Set([...reached, ...count.reached])],
      said: [...new Set([...said, ...(count.said ?? [])])],
    })
  }
  return [...joined.values()]
}

function controlsOf({ facts, run }: JudgedScope): readonly ExaminedControl[] {
  if (run === undefined) return []
  return facts.relations
    .filter((relation) => facts.tenantTable(relation) !== undefined)
    .flatMap((relation) =>
      VERBS.flatMap((verb) =>
        facts.reach(relation, privilegeOf(verb)).map((role) => {
          const { status } = run.ledger.controls.of(relation, verb, role)
          return { object: relation.label, verb, role: role.role.name, status }
        }),
      ),
    )
}

/** The cells whose rows an attack surely reached. An observation about several tables does not tell which of them it saw. */
function reachedCells(seen: Observation): readonly { readonly object: string; readonly verb: Verb }[] {
  if (isCrossing(seen)) return [{ object: seen.object, verb: seen.crossing.verb }]
  if (seen.cells !== undefined) return seen.cells
  const { tables = [seen.object], verbs = [] } = seen
  const [[object, ...others], [verb, ...more]] = [tables, verbs]
  return object === undefined || verb === undefined || others.length > 0 || more.length > 0 ? [] : [{ object, verb }]
}

function leaksOf(scopes: readonly JudgedScope[]): readonly ExaminedLeak[] {
  return scopes.flatMap(({ tables, findings, run, fleetRun }) => {
    const seen = [...(run?.ledger.observations ?? []), ...(fleetRun?.observations ?? [])]
    const attacked = new Set(seen.flatMap((each) => reachedCells(each).map(({ object, verb }) => `${object}/${verb}`)))
    return tables.flatMap(({ object, verbs }) =>
      VERBS.filter((verb) => verbs[verb] === 'leaks').map((verb): ExaminedLeak => {
        const by = attacked.has(`${object}/${verb}`) ? 'attack' : 'reading'
        const says = findings.filter(
          (finding) => finding.crosses && finding.severity !== 'info' && finding.tables.includes(object),
        )
        const keys = says.filter((finding) => finding.verbs?.includes(verb) === true).map(({ key }) => key)
        return { object, verb, by, keys }
      }),
    )
  })
}
