import type { Oid, Role } from '../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../catalog/names.ts'
import { privilegesOf } from '../catalog/privileges.ts'
import { roleGraph } from '../catalog/role-graph.ts'
import { ConfigurationError } from '../errors.ts'
import { type Change, type Decision, type Part, PHASES, type ProtectPlan } from './change.ts'
import { blindIndexes } from './changes/blind-indexes.ts'
import { childColumn } from './changes/child-column.ts'
import { temporaryRights } from './changes/database-rights.ts'
import { directory } from './changes/directory.ts'
import { foreignKeys } from './changes/foreign-keys.ts'
import { tableGrants } from './changes/grants.ts'
import { guardFunctions, guardTrigger } from './changes/guard-trigger.ts'
import { tenantIndex } from './changes/indexes.ts'
import { review } from './changes/review.ts'
import { policyHashes } from './changes/row-security/policy-text.ts'
import { rowSecurity } from './changes/row-security/row-security.ts'
import { stanceOf } from './changes/row-security/stance.ts'
import { sealedRoleGrants } from './changes/sealed-roles.ts'
import { tenantColumnChanges } from './changes/tenant-column.ts'
import { uniqueKeys } from './changes/unique-keys.ts'
import { crossingCheck } from './crossing/crossing-check.ts'
import { doubtOf } from './doubt.ts'
import type { Planning, ProtectInput } from './input.ts'
import { NO_KNOWLEDGE } from './knowledge.ts'
import { type FoundTable, makeTargets, type Target } from './target.ts'

/**
 * Plans the migration that protects the user's own tables. It contains only missing changes, each with its down migration.
 *
 * The function reads only the given catalog, and uses no database.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a table that does not exist, and for a seal without schema partywall
 */
export function planProtection(input: ProtectInput): ProtectPlan {
  if (input.seal) requireSeal(input)
  const tables = input.tables.filter(
    (table) => isKept(table) && (input.only === undefined || input.only.some((name) => names(table, name))),
  )
  for (const name of input.only ?? [])
    if (!tables.some((table) => names(table, name)))
      throw new ConfigurationError(`--tables: "${name}" is no table that belongs to tenants.`, {
        details: { candidates: input.tables.map((table) => table.relation.label) },
      })
  const { targets, undecided } = makeTargets(withParents(tables, input.tables), input.orphans)
  const chosen = new Set(tables.map((table) => table.relation.oid))
  const mine = changeable(input)
  const wanted = targets.filter((target) => chosen.has(target.relation.oid))
  // Keep the tables that the application's login owns, although the migrating role may not change them. `review` reports each of them.
  const kept = wanted.filter(({ relation }) => mine(relation.owner) || relation.owner === input.appRole?.oid)
  const planning = makePlanning(input, kept)
  const bound = kept.filter((target) => isBound(planning, target))
  const parts = [
    // These parts come before FORCE. After FORCE the owner may see no rows, and could not fill columns or check keys.
    ...bound.flatMap((target) => [childColumn(target), tenantColumnChanges(planning, target)]),
    ...bound.map((target) => foreignKeys(planning, target)),
    guardFunctions(planning, bound),
    ...kept.map((target) => targetPart(planning, target)),
  ]
  parts.push(sealedRoleGrants(planning), temporaryRights(planning))
  const changes = parts.flatMap((part) => part.changes)
  const policed = kept.filter((target) =>
    changes.some((change) => change.object === target.relation.label && change.up.some(namesPolicy)),
  )
  if (policed.length > 0) changes.push({ phase: 'protect', object: 'policies', up: [policyHashes(policed)], down: [] })
  return {
    setting: input.setting,
    changes: inOrder(changes),
    decisions: [
      ...undecided.map(({ relation, reason }): Decision => ({ object: relation.label, reason })),
      ...wanted.filter((target) => !kept.includes(target)).map((target) => ofOthers(input, target)),
      ...parts.flatMap((part) => part.decisions),
      ...review(planning),
    ],
    notes: input.notes ?? [],
    crossingChecks: kept.flatMap((target) =>
      target.relation.isPartition
        ? []
        : target.relation.constraints.flatMap((constraint) => crossingCheck(planning, target, constraint) ?? []),
    ),
  }
}

/**
 * Returns a function that tells whether the migrating role may alter the objects of an owner. A single statement without this right would
 * abort the file in the middle.
 */
function changeable({ catalog }: ProtectInput): (owner: Oid) => boolean {
  const { reader } = catalog
  const role = [...catalog.roles.values()].find(({ name }) => name === reader.name)
  if (reader.superuser || role === undefined) return () => true
  const rights = roleGraph(catalog).rightsOf(role.oid)
  return (owner) => rights.has(owner)
}

function ofOthers({ catalog }: ProtectInput, { relation }: Target): Decision {
  const owner = catalog.roles.get(relation.owner)?.name ?? 'another role'
  return {
    object: `${relation.label} (owner)`,
    reason: `the table is owned by ${owner}, whose tables role ${catalog.reader.name} may not change: nothing is written for it. To protect it too, run partywall protect as ${owner}.`,
  }
}

function targetPart(planning: Planning, target: Target): Part {
  if (target.column.existing === undefined && !isBound(planning, target)) return childOfOthers(planning, target)
  const uniqueHere = foreignKeysTo(planning, target)
  const parts = [
    tenantIndex(target, uniqueHere),
    blindIndexes(planning, target),
    ...(isBound(planning, target) ? [guardTrigger(planning, target)] : []),
    rowSecurity(planning, target),
    tableGrants(planning, target),
    directory(planning, target),
    uniqueKeys(planning, target),
  ]
  return { changes: parts.flatMap((part) => part.changes), decisions: parts.flatMap((part) => part.decisions) }
}

/**
 * Plans a child table without a tenant column, if it is not certain that sessions set the tenant. The table gets only changes of grants,
 * and the suggestion of a policy that tests whether the parent row is visible.
 */
function childOfOthers(planning: Planning, target: Target): Part {
  const { relation, link } = target
  const { changes, decisions } = tableGrants(planning, target)
  if (relation.rowSecurity || relation.isPartition || link === undefined) return { changes, decisions }
  const parent = qualifiedName(link.parent)
  const join = link.columns.map(
    (column, at) =>
      `parent.${quoteIdentifier(link.parentColumns[at] ?? '')} = ${quoteIdentifier(relation.name)}.${quoteIdentifier(column)}`,
  )
  const decision: Decision = {
    object: relation.label,
    reason: `row security is off: each session sees the rows of all tenants. If the policies of ${link.parent.label} isolate tenants and should decide about the rows of this table too, run:`,
    sql: `ALTER TABLE ${qualifiedName(relation)} ENABLE ROW LEVEL SECURITY;\nCREATE POLICY ${quoteIdentifier(`of_${link.parent.name}`)} ON ${qualifiedName(relation)} USING (EXISTS (SELECT FROM ${parent} AS parent WHERE ${join.join(' AND ')}));`,
  }
  return { changes, decisions: [...decisions, decision] }
}

/**
 * Whether it is certain that sessions name their tenant by the setting, so that defaults and triggers may fill the tenant column from it.
 */
function isBound(planning: Planning, target: Target): boolean {
  if (planning.seal) return true
  return doubtOf(planning, target) === undefined && stanceOf(target.relation) !== 'closed'
}

/**
 * The unique keys on this table that composite foreign keys of other tables need. Each starts with the tenant column, so it can also
 * replace the tenant index.
 */
function foreignKeysTo(planning: Planning, target: Target): readonly Change[] {
  return planning.targets
    .filter((other) =>
      other.relation.constraints.some((constraint) => constraint.references?.relation === target.relation.oid),
    )
    .flatMap((other) => foreignKeys(planning, other).changes)
    .filter((change) => change.object === target.relation.label)
}

/** Sorts changes by phase, keeping their order within a phase, and removes duplicates. */
function inOrder(changes: readonly Change[]): readonly Change[] {
  const seen = new Set<string>()
  return PHASES.flatMap((phase) =>
    changes.filter((change) => {
      if (change.phase !== phase) return false
      const key = JSON.stringify([phase, change.up])
      if (seen.has(key)) return false
      seen.add(key)
      return true
    }),
  )
}

function namesPolicy(statement: string): boolean {
  return statement.includes('CREATE POLICY tenant_')
}

function isKept(table: FoundTable): boolean {
  return table.relation.extension === undefined && !table.relation.temporary
}

function names(table: FoundTable, name: string): boolean {
  return table.relation.label === name || table.relation.name === name
}

/** The chosen tables and their parents, because a child gets its tenant from its parent. */
function withParents(chosen: readonly FoundTable[], all: readonly FoundTable[]): readonly FoundTable[] {
  const kept = new Set(chosen)
  for (let before = -1; before !== kept.size; ) {
    before = kept.size
    for (const table of [...kept])
      if (table.kind === 'child')
        for (const link of table.parents)
          for (const other of all) if (other.relation.oid === link.parent.oid && other.kind !== 'child') kept.add(other)
  }
  return all.filter((table) => kept.has(table))
}

function makePlanning(input: ProtectInput, targets: readonly Target[]): Planning {
  const { tables: _tables, only: _only, orphans: _orphans, knowledge = NO_KNOWLEDGE, ...rest } = input
  const graph = roleGraph(input.catalog)
  const privileges = privilegesOf(input.catalog, graph)
  const byOid = new Map(targets.map((target) => [target.relation.oid, target]))
  return {
    ...rest,
    ...knowledge,
    targets,
    targetOf: (oid) => byOid.get(oid),
    acting: actingRoles(input),
    roleName: (oid) => (oid === 0 ? 'PUBLIC' : (input.catalog.roles.get(oid)?.name ?? `role ${oid}`)),
    rightsOf: graph.rightsOf,
    mayDo: (role, relation, verb) => privileges.onRelation(role.oid, relation, PRIVILEGES[verb]),
    mayTouch: (role, relation) =>
      Object.values(PRIVILEGES).some((privilege) => privileges.onRelation(role.oid, relation, privilege)),
  }
}

const PRIVILEGES = { select: 'SELECT', insert: 'INSERT', update: 'UPDATE', delete: 'DELETE' } as const

function actingRoles({ catalog, appRole }: ProtectInput): readonly Role[] {
  if (appRole === undefined) return []
  const graph = roleGraph(catalog)
  return [appRole, ...graph.becomable(appRole.oid).map((path) => path.role)].filter(
    (role) => !role.superuser && !role.bypassRls,
  )
}

function requireSeal({ catalog }: ProtectInput): void {
  const relations = [...catalog.relations.values()]
  if (!relations.some(({ schema, name }) => schema === 'partywall' && name === 'ticket'))
    throw new ConfigurationError(
      '--seal needs the schema partywall of this release. Run first: partywall migrate --database-url URL',
    )
}
