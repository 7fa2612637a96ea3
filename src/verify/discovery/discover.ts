import type { Catalog } from '../../catalog/catalog.ts'
import type { Relation } from '../../catalog/model.ts'
import { ConfigurationError } from '../../errors.ts'
import type { ContextSource, Tenancy } from '../facts.ts'
import type { SqlReader } from '../sql/reader.ts'
import { findAppRole } from './app-role.ts'
import { type Evidence, gatherEvidence } from './evidence.ts'
import { isUserWritable, type SettingUse } from './settings.ts'
import { chooseColumnName, findRoot, isTable } from './tenant-columns.ts'
import { bindTables } from './tenant-tables.ts'

export interface DiscoveryHints {
  readonly appRole?: string | undefined
  readonly schemas?: readonly string[] | undefined
  readonly tenantColumns?: readonly string[] | undefined
  /** `app.tenant_id`, or `request.jwt.claims->tenant_id` for a key inside JSON. */
  readonly setting?: string | undefined
}

/** What a session's tenant is read from when no policy says so. */
export const DEFAULT_SETTING = 'app.current_tenant_id'

/**
 * Finds what was not told: tenant column, tenants table, setting, app role.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` when there is none or more than one, with the candidates
 */
export function discover(catalog: Catalog, sql: SqlReader, hints: DiscoveryHints): Tenancy {
  const notes: string[] = []
  const schemas = chooseSchemas(catalog, hints.schemas)
  const relations = [...catalog.relations.values()].filter(
    (relation) => schemas.has(relation.schema) && relation.extension === undefined,
  )
  const tables = relations.filter(isTable)
  const evidence = gatherEvidence(catalog, relations, sql)
  const columnNames = hints.tenantColumns ?? [chooseColumnName(tables, evidence.columns).name]
  for (const name of columnNames) {
    if (!tables.some((table) => table.columns.some((column) => column.name === name)))
      throw new ConfigurationError(`No table in ${[...schemas].join(', ')} has a column "${name}".`)
  }
  const root = findRoot(tables, columnNames[0] ?? '')
  const bound = bindTables({ relations, columnNames, root, votes: evidence.columns })
  if (hints.tenantColumns === undefined) {
    const having = tables.filter((table) => table.columns.some((column) => column.name === columnNames[0])).length
    notes.push(`found ${columnNames[0]} in ${having} of ${tables.length} tables`)
  }
  if (root !== undefined) notes.push(`tenants are the rows of ${root.relation.label} (${root.key.name})`)
  const context = chooseContext(hints.setting, evidence, new Set(columnNames), root?.relation, notes)
  const { role, siblings, note } = findAppRole(
    catalog,
    [...bound.values()].map((table) => table.relation),
    hints.appRole,
  )
  if (note !== undefined) notes.push(note)
  return Object.freeze({ appRole: role, siblings, schemas, columnNames, root, tables: bound, context, notes })
}

/** partywall's own schema is never looked at as the user's. */
function chooseSchemas(catalog: Catalog, told: readonly string[] | undefined): ReadonlySet<string> {
  const known = [...catalog.schemas.values()]
    .filter((schema) => schema.extension === undefined)
    .map((schema) => schema.name)
  if (told === undefined) return new Set(known.filter((name) => name !== 'partywall'))
  const missing = told.filter((name) => !known.includes(name))
  if (missing.length > 0)
    throw new ConfigurationError(`There is no schema ${missing.map((name) => `"${name}"`).join(', ')}.`, {
      details: { candidates: known },
    })
  return new Set(told)
}

/** Parses `name`, `name->key`, `name->>key`, `name->a->b`, and `name->keys[]` for a list of tenants. */
export function parseSetting(text: string): SettingUse {
  const [setting = '', ...path] = text.split(/->>?/).map((part) => part.trim().replace(/^'|'$/g, ''))
  const last = path.at(-1)
  if (last?.endsWith('[]') !== true) return { setting: setting.toLowerCase(), path }
  return { setting: setting.toLowerCase(), path: [...path.slice(0, -1), last.slice(0, -2)], list: true }
}

function chooseContext(
  told: string | undefined,
  evidence: Evidence,
  columnNames: ReadonlySet<string>,
  root: Relation | undefined,
  notes: string[],
): ContextSource {
  const direct = evidence.columns.filter(
    (vote) => vote.via === 'direct' && (columnNames.has(vote.column) || vote.relation.oid === root?.oid),
  )
  if (told !== undefined) {
    const use = parseSetting(told)
    const isTenant = direct.some((vote) => same(vote.use, use))
    const key = evidence.keys.find((vote) => same(vote.use, use))
    const alternatives = alternativesOf(use, evidence)
    return !isTenant && key !== undefined
      ? keySource(key, columnNames, alternatives)
      : { kind: 'tenant', ...use, alternatives }
  }
  const uses = direct.map((vote) => vote.use)
  const chosen = commonest(uses.filter((use) => !isUserWritable(use))) ?? commonest(uses)
  if (chosen !== undefined) {
    notes.push(`the tenant is read from the setting ${describeSetting(chosen)}`)
    return { kind: 'tenant', ...chosen, alternatives: alternativesOf(chosen, evidence) }
  }
  const use = commonest(evidence.keys.map((vote) => vote.use))
  const key = use === undefined ? undefined : pickKey(evidence, use, columnNames)
  if (key !== undefined) {
    notes.push(
      `the setting ${describeSetting(key.use)} holds a key of ${key.table.label} (${key.column.name}), which names the tenant`,
    )
    return keySource(key, columnNames, alternativesOf(key.use, evidence))
  }
  const indirect = commonest(evidence.columns.map((vote) => vote.use))
  if (indirect !== undefined) {
    notes.push(`the tenant is read from the setting ${describeSetting(indirect)}`)
    return { kind: 'tenant', ...indirect, alternatives: alternativesOf(indirect, evidence) }
  }
  notes.push(`no policy reads a setting; ${DEFAULT_SETTING} is assumed`)
  return { kind: 'tenant', setting: DEFAULT_SETTING, path: [], alternatives: [] }
}

function alternativesOf(use: SettingUse, evidence: Evidence): readonly SettingUse[] {
  return evidence.coalesced
    .filter((group) => group.some((other) => same(other, use)))
    .flatMap((group) => group.filter((other) => !same(other, use)))
}

function pickKey(evidence: Evidence, use: SettingUse, columnNames: ReadonlySet<string>) {
  const votes = evidence.keys.filter((vote) => same(vote.use, use))
  return votes.find((vote) => vote.table.columns.some((column) => columnNames.has(column.name))) ?? votes[0]
}

function keySource(
  key: Evidence['keys'][number],
  columnNames: ReadonlySet<string>,
  alternatives: readonly SettingUse[],
): ContextSource {
  const tenantColumn = key.table.columns.find((column) => columnNames.has(column.name))
  return {
    kind: 'key',
    setting: key.use.setting,
    path: key.use.path,
    table: key.table,
    keyColumn: key.column,
    tenantColumn,
    alternatives,
  }
}

export function describeSetting(use: SettingUse): string {
  return [use.setting, ...use.path].join('->') + (use.list === true ? '[]' : '')
}

export function same(a: SettingUse, b: SettingUse): boolean {
  return a.setting === b.setting && a.path.join('->') === b.path.join('->')
}

function commonest(uses: readonly SettingUse[]): SettingUse | undefined {
  const counts = new Map<string, { use: SettingUse; count: number }>()
  for (const use of uses) {
    const entry = counts.get(describeSetting(use)) ?? { use, count: 0 }
    entry.count += 1
    counts.set(describeSetting(use), entry)
  }
  return [...counts.values()].sort(
    (a, b) => b.count - a.count || describeSetting(a.use).localeCompare(describeSetting(b.use)),
  )[0]?.use
}
