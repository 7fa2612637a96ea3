import type { Relation } from '../../catalog/model.ts'
import type { ContextSource, SettingBinding, Tenancy } from '../facts.ts'
import { isUserWritable, type SettingUse } from './settings.ts'
import { stemOf, tenantNameWeight } from './tenant-names.ts'
import type { ColumnVote, Evidence, KeyVote } from './votes.ts'

/** The setting that is assumed to hold the session's tenant if no policy reads a setting. */
export const DEFAULT_SETTING = 'app.current_tenant_id'

/** Parses `name`, `name->key`, `name->>key`, `name->a->b`, and `name->keys[]` for a list of tenants. */
function parseSetting(text: string): SettingUse {
  const [setting = '', ...path] = text.split(/->>?/).map((part) => part.trim().replace(/^'|'$/g, ''))
  const last = path.at(-1)
  if (last?.endsWith('[]') !== true) return { setting: setting.toLowerCase(), path }
  return { setting: setting.toLowerCase(), path: [...path.slice(0, -1), last.slice(0, -2)], list: true }
}

interface ContextInput {
  /** `--setting`. */
  readonly told: string | undefined
  /** Evidence from the policies for the roles of this scope. */
  readonly evidence: Evidence
  readonly columnNames: ReadonlySet<string>
  readonly root: Tenancy['root']
  /** Settings that functions of the schema set to one of their arguments. */
  readonly setters: readonly string[]
  readonly notes: string[]
}

/** Finds the setting from which policies read the session's tenant. The setting holds the tenant's id, or a key into a table of members. */
export function chooseContext({ told, evidence, columnNames, root, setters, notes }: ContextInput): ContextSource {
  const direct = evidence.columns.filter(
    (vote) =>
      vote.via === 'direct' &&
      (columnNames.has(vote.column) || (vote.relation.oid === root?.relation.oid && vote.column === root.key.name)),
  )
  const callOf = (use: SettingUse, votes: readonly Pick<ColumnVote, 'use' | 'call'>[]) => {
    const call = votes.find((vote) => vote.call !== undefined && same(vote.use, use))?.call
    return call === undefined ? {} : { call }
  }
  if (told !== undefined) {
    const use = parseSetting(told)
    const isTenant = direct.some((vote) => same(vote.use, use))
    const key = pickKey(evidence, use, columnNames)
    const alternatives = alternativesOf(use, evidence)
    return !isTenant && key !== undefined
      ? { ...keySource(key, columnNames, alternatives), ...callOf(use, evidence.keys) }
      : { kind: 'tenant', ...use, alternatives, ...callOf(use, direct) }
  }
  const uses = direct.map((vote) => vote.use)
  const chosen = commonest(uses.filter((use) => !isUserWritable(use))) ?? commonest(uses)
  if (chosen !== undefined) {
    const set = setToday(chosen, evidence, setters, notes)
    notes.push(`the tenant is read from the setting ${describeSetting(set)}`)
    return { kind: 'tenant', ...set, alternatives: alternativesOf(set, evidence), ...callOf(chosen, direct) }
  }
  const use = commonest(evidence.keys.map((vote) => vote.use))
  const key = use === undefined ? undefined : pickKey(evidence, use, columnNames)
  if (key !== undefined) {
    const set = setToday(key.use, evidence, setters, notes)
    notes.push(
      `the setting ${describeSetting(set)} holds a key of ${key.table.label} (${key.column.name}), which names the tenant`,
    )
    const source = keySource({ ...key, use: set }, columnNames, alternativesOf(set, evidence))
    return { ...source, ...callOf(key.use, evidence.keys) }
  }
  const own = ownRows(evidence, columnNames)
  if (own !== undefined) {
    const set = setToday(own.use, evidence, setters, notes)
    notes.push(
      `the setting ${describeSetting(set)} holds a key of ${own.table.label} (${own.column.name}), which names the tenant`,
    )
    return { ...keySource({ ...own, use: set }, columnNames, alternativesOf(set, evidence)), ...callOf(own.use, [own]) }
  }
  const indirect = commonest(evidence.columns.map((vote) => vote.use))
  if (indirect !== undefined) {
    const set = setToday(indirect, evidence, setters, notes)
    notes.push(`the tenant is read from the setting ${describeSetting(set)}`)
    return { kind: 'tenant', ...set, alternatives: alternativesOf(set, evidence) }
  }
  notes.push(`no policy reads a setting; ${DEFAULT_SETTING} is assumed`)
  return { kind: 'tenant', setting: DEFAULT_SETTING, path: [], alternatives: [] }
}

/** A setting for a single claim. PostgREST 9 to 11 set such settings only on request; version 12 and later never set them. */
const LEGACY_CLAIM = /^request\.jwt\.claim\.(.+)$/

/**
 * Returns the setting that the application really sets, which may differ from the one that policies read. Current gateways set only
 * `request.jwt.claims`. If a function of the schema sets the tenant, the application is assumed to use that function.
 */
function setToday(use: SettingUse, evidence: Evidence, setters: readonly string[], notes: string[]): SettingUse {
  const claim = LEGACY_CLAIM.exec(use.setting)?.[1]
  if (claim !== undefined && !evidence.coalesced.some((group) => group.some((other) => same(other, use)))) {
    notes.push(
      `policies read ${use.setting}, which PostgREST no longer sets: the claim ${claim} is assumed to be in request.jwt.claims; use --setting NAME for another`,
    )
    return { setting: 'request.jwt.claims', path: [claim] }
  }
  const alike = setters.filter((name) => namesTenant(name, use.setting))
  const [only, ...others] = alike
  if (only === undefined || others.length > 0 || setters.includes(use.setting) || use.path.length > 0) return use
  notes.push(
    `policies read ${use.setting}, and a function of the schema sets ${only}: that one is assumed; use --setting NAME for another`,
  )
  return { setting: only, path: [] }
}

/**
 * Whether the setting that a function sets names the tenant, such as `app.tenant` where policies read `app.current_tenant_id`. A setting
 * for the locale does not.
 */
function namesTenant(setter: string, read: string): boolean {
  const [stem, other] = [setter, read].map((name) => stemOf(name.split('.').at(-1) ?? ''))
  return stem !== undefined && (stem === other || tenantNameWeight(setter.split('.').at(-1) ?? '') > 0)
}

function alternativesOf(use: SettingUse, evidence: Evidence): readonly SettingUse[] {
  const others = evidence.coalesced
    .filter((group) => group.some((other) => same(other, use)))
    .flatMap((group) => group.filter((other) => !same(other, use)))
  return others.filter((other, at) => others.findIndex((each) => same(each, other)) === at)
}

/**
 * Finds a table with a column for the person and a column for the tenant. If no other evidence names the tenant, this table is taken as the
 * list of each person's tenants.
 */
function ownRows(evidence: Evidence, columnNames: ReadonlySet<string>): KeyVote | undefined {
  for (const vote of evidence.columns) {
    const { relation, use, roles, call } = vote
    const column = relation.columns.find((each) => each.name === vote.column)
    const names = relation.columns.some((each) => columnNames.has(each.name))
    if (vote.via === 'direct' && names && column !== undefined && !columnNames.has(column.name))
      return { table: relation, column, use, roles, call }
  }
  return undefined
}

/** The lookup by this setting. A table that also has a tenant column is preferred. */
function pickKey(evidence: Evidence, use: SettingUse, columnNames: ReadonlySet<string>): KeyVote | undefined {
  const votes = evidence.keys.filter((vote) => same(vote.use, use))
  return votes.find((vote) => vote.table.columns.some((column) => columnNames.has(column.name))) ?? votes[0]
}

function keySource(key: KeyVote, columnNames: ReadonlySet<string>, alternatives: readonly SettingUse[]): ContextSource {
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

/** For each setting, the columns that policies and lookups compare with it. Rows of one person have the same value in all of them. */
export function bindingsOf(evidence: Evidence): readonly SettingBinding[] {
  const found = new Map<string, { use: SettingUse; columns: Set<SettingBinding['columns'][number]['column']> }>()
  const add = (use: SettingUse, relation: Relation, name: string) => {
    const column = relation.columns.find((each) => each.name === name)
    if (column === undefined || use.list === true) return
    const key = describeSetting(use)
    const entry = found.get(key) ?? { use, columns: new Set() }
    entry.columns.add(column)
    found.set(key, entry)
    owners.set(column, relation)
  }
  const owners = new Map<SettingBinding['columns'][number]['column'], Relation>()
  for (const vote of evidence.columns) if (vote.via === 'direct') add(vote.use, vote.relation, vote.column)
  for (const vote of evidence.keys) add(vote.use, vote.table, vote.column.name)
  return [...found.values()].map(({ use, columns }) => ({
    use,
    columns: [...columns].flatMap((column) => {
      const relation = owners.get(column)
      return relation === undefined ? [] : [{ relation, column }]
    }),
  }))
}

export function describeSetting(use: SettingUse): string {
  return [use.setting, ...use.path].join('->') + (use.list === true ? '[]' : '')
}

export function same(a: SettingUse, b: SettingUse): boolean {
  return a.setting === b.setting && a.path.join('->') === b.path.join('->')
}

export function commonest(uses: readonly SettingUse[]): SettingUse | undefined {
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
