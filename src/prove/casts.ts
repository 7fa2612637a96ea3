import type { TypeFacts } from '../catalog/catalog.ts'
import type { Column } from '../catalog/model.ts'
import type { Facts } from '../tenancy/facts.ts'
import type { Term } from './term.ts'

/** Prefix of the description of a cast that this file has no rule for. Such a cast may or may not make two tenants equal. */
const UNJUDGED = 'perhaps '

/** True for a loss that is only possible: no rule says that the cast makes different values equal. */
export function isUnjudged(loss: string): boolean {
  return loss.startsWith(UNJUDGED)
}

/**
 * For each source type, the target types for which different values stay different after the cast. A cast to text keeps the values of all
 * these types different.
 */
const EXACT_FROM: Readonly<Record<string, RegExp>> = {
  uuid: /^(uuid|text|character varying|citext|bpchar|character)$/,
  smallint: /^(smallint|integer|bigint|numeric|text|character varying|citext)$/,
  integer: /^(integer|bigint|numeric|text|character varying|citext|smallint)$/,
  bigint: /^(bigint|numeric|text|character varying|citext|integer|smallint)$/,
  numeric: /^(numeric|text|character varying|citext)$/,
  text: /^(text|character varying)$/,
  'character varying': /^(text|character varying)$/,
  citext: /^(text|citext|character varying)$/,
}

const KNOWN_TYPES =
  /^(uuid|text|character varying|character|bpchar|citext|name|smallint|integer|bigint|numeric|real|double precision|boolean|date|bytea)$/

/** Types that truncate a longer value when it is cast to them, such as `varchar(8)`. */
const LIMITED = /^(?:character|character varying|bpchar|bit|bit varying)\((\d+)\)$/

/** Describes a cast that makes two different values equal, or may do so. Undefined when it keeps them different. */
export function lossyCast(facts: Facts, inner: Term, type: string): string | undefined {
  const says = `the cast to ${type}`
  // CREATE CAST was used in this database, so no cast can be assumed to be PostgreSQL's own.
  if (facts.catalog.ownCasts.size > 0) return `${UNJUDGED}${says}`
  const bare = bareType(type)
  const own = ownType(facts, bare)
  if (own?.kind === 'domain' && own.baseType !== bare) {
    const below = lossyCast(facts, inner, own.baseType)
    if (below !== undefined) return isUnjudged(below) ? `${UNJUDGED}${says}` : says
  }
  // Text and bit types truncate. A number that does not fit raises an error, so it needs no rule here.
  const limit = LIMITED.exec(type)?.[1]
  if (limit !== undefined) {
    const length = inner.kind === 'column' ? lengthOf(facts, inner.column) : longestTenant(facts)
    if (length > Number(limit)) return says
  }
  const target = named(facts, type)
  if (target === undefined) return `${UNJUDGED}${says}`
  if (target.loose !== undefined) return isRootLoose(facts, target.loose) ? undefined : says
  if (inner.kind !== 'column') return sourceCast(facts, inner, target.name, type)
  const base = plain(inner.column.baseType)
  if (target.name === base && !/^numeric\(/.test(type)) return undefined
  // Text to uuid or citext: two different texts, such as 'A' and 'a', become one value.
  if (/^(text|character varying)$/.test(base)) {
    if (target.name === 'uuid') return rootIsText(facts) ? `${UNJUDGED}${says}` : undefined
    if (target.name === 'citext') return isRootLoose(facts, 'citext') ? undefined : says
  }
  if (/^numeric\(/.test(type) && base === 'numeric') return `${UNJUDGED}${says}`
  const exact = EXACT_FROM[base] ?? /^(text|character varying)$/
  if (exact.test(target.name)) return undefined
  const judged = EXACT_FROM[base] !== undefined && KNOWN_TYPES.test(target.name)
  return `${judged ? '' : UNJUDGED}${says}`
}

const TEXTS = /^(text|character varying)$/
const WHOLE = /^(smallint|integer|bigint)$/

/**
 * The loss of a cast of the session's value. Undefined if the ids of tenants or users are stored in the target type: each value then still
 * names the same tenant or user.
 */
function sourceCast(facts: Facts, inner: Term, target: string, type: string): string | undefined {
  if (inner.kind !== 'context' && inner.kind !== 'key' && inner.kind !== 'setting') return undefined
  const doubt = `${UNJUDGED}the cast to ${type}`
  const from = inner.type ?? ''
  if (from === target && !/\(/.test(type)) return undefined
  const kept = keyTypes(facts)
  const isKept = kept.has(target) || (isNumeric(target) && [...kept].some(isNumeric))
  if (TEXTS.test(from) || from === 'json') {
    if (TEXTS.test(target) || /^jsonb?$/.test(target)) return undefined
    if (!isKept || (/^numeric\(/.test(type) && !keyColumns(facts).some((column) => column.type === type))) return doubt
    // If ids are stored as text, two different ids may become one value of the target type ('A' and 'a' as citext).
    return sourceIsText(facts) ? doubt : undefined
  }
  if (WHOLE.test(from) && isNumeric(target) && !/\(/.test(type)) return undefined
  return TEXTS.test(target) && !sourceIsText(facts) && kept.has(from) ? undefined : doubt
}

/** Whether the id that the session's setting holds (tenant, or user) is stored in a text column. */
function sourceIsText(facts: Facts): boolean {
  const { context } = facts.tenancy
  return context.kind === 'key' ? TEXTS.test(plainType(facts, context.keyColumn.baseType)) : rootIsText(facts)
}

function isNumeric(type: string): boolean {
  return WHOLE.test(type) || type === 'numeric'
}

/** The columns that name tenants, and the keys that the setting may hold instead. */
function keyColumns(facts: Facts): readonly Column[] {
  const { root, tables, context } = facts.tenancy
  const columns = [...tables.values()].flatMap((table) => table.column ?? [])
  const keys = context.kind === 'key' ? [context.keyColumn] : []
  return [...(root === undefined ? [] : [root.key]), ...columns, ...keys]
}

function keyTypes(facts: Facts): ReadonlySet<string> {
  return new Set(keyColumns(facts).map((column) => plainType(facts, column.baseType)))
}

/** The type's name without its modifier; for a domain, that of its base type. Enums and arrays keep their own name. */
export function plainType(facts: Facts, type: string): string {
  const bare = bareType(type)
  const own = ownType(facts, bare)
  return own?.kind === 'domain' && own.baseType !== bare ? plainType(facts, own.baseType) : plain(bare)
}

/**
 * The base type, and what makes different spellings equal in it (citext, or a nondeterministic collation). Undefined for arrays,
 * composite types and other types that this file has no rule for.
 */
function named(facts: Facts, type: string): { readonly name: string; readonly loose: string | undefined } | undefined {
  const bare = bareType(type)
  if (/\[\]$/.test(type)) return undefined
  const own = ownType(facts, bare)
  if (own === undefined) return { name: plain(bare), loose: undefined }
  if (own.kind === 'enum') return { name: bare, loose: undefined }
  if (own.kind !== 'domain') return plain(bare) === 'citext' ? { name: 'citext', loose: undefined } : undefined
  const below = own.baseType === bare ? undefined : named(facts, own.baseType)
  if (below === undefined) return undefined
  const loose = below.name === 'citext' ? 'citext' : own.deterministic ? undefined : bare
  return { name: below.name, loose: below.loose ?? loose }
}

function ownType(facts: Facts, name: string): TypeFacts | undefined {
  return [...facts.catalog.types.values()].find((type) => `${type.schema}.${type.name}` === name || type.name === name)
}

/** Removes the modifier of a type. A citext in any schema becomes `citext`, because the extension may be in any schema. */
function plain(type: string): string {
  const bare = type.replace(/\(.*\)/, '')
  return bare.endsWith('.citext') ? 'citext' : bare
}

function bareType(type: string): string {
  return type.replace(/\(.*\)/, '')
}

const LENGTHS: Readonly<Record<string, number>> = {
  uuid: 36,
  smallint: 6,
  integer: 11,
  bigint: 20,
  boolean: 5,
  date: 13,
}

function lengthOf(facts: Facts, column: Column): number {
  const limit = limitOf(facts, column.type)
  return limit === undefined ? (LENGTHS[column.baseType] ?? Number.POSITIVE_INFINITY) : Number(limit)
}

/** The length n of a type such as varchar(n), also if the type is the base type of a domain. */
function limitOf(facts: Facts, type: string): string | undefined {
  const limit = LIMITED.exec(type)?.[1]
  const own = limit === undefined ? ownType(facts, type) : undefined
  return own?.kind === 'domain' && own.baseType !== type ? limitOf(facts, own.baseType) : limit
}

/** The greatest length, as text, of a tenant's id or of a session key. The value of a setting that names a tenant is not longer. */
function longestTenant(facts: Facts): number {
  const { root, tables, context } = facts.tenancy
  const keys = root === undefined ? [...tables.values()].flatMap((table) => table.column ?? []) : [root.key]
  return Math.max(
    ...[...keys, ...(context.kind === 'key' ? [context.keyColumn] : [])].map((column) => lengthOf(facts, column)),
  )
}

/** What makes different spellings equal in the column: citext or a nondeterministic collation. Undefined if nothing does. */
function looseness(column: Column): string | undefined {
  if (plain(column.baseType) === 'citext') return 'citext'
  return column.deterministic ? undefined : (column.collation ?? 'a collation')
}

/** Whether the key of the table of tenants treats the same spellings as equal. Then no two tenants differ only in spelling. */
function isRootLoose(facts: Facts, loose: string): boolean {
  const root = facts.tenancy.root?.key
  const own = root === undefined ? undefined : looseness(root)
  return (
    own !== undefined &&
    (own === loose || own.slice(own.lastIndexOf('.') + 1) === loose.slice(loose.lastIndexOf('.') + 1))
  )
}

function rootIsText(facts: Facts): boolean {
  return /^(text|character varying)$/.test(facts.tenancy.root?.key.baseType ?? '')
}

/**
 * citext or a nondeterministic collation on a column. Undefined if neither is used, or if the key of the table of tenants has this type or
 * collation too, which makes it harmless.
 */
export function looseColumn(facts: Facts, column: Column): string | undefined {
  const loose = looseness(column)
  if (loose === undefined || facts.tenancy.root === undefined || isRootLoose(facts, loose)) return undefined
  return loose === 'citext' ? 'citext' : `collation ${loose}`
}

/** Describes a COLLATE clause with a nondeterministic collation, which treats different spellings as equal. Undefined if it is harmless. */
export function looseCollation(facts: Facts, name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  const loose = [...facts.catalog.looseCollations].some((known) => known === name || known.endsWith(`.${last}`))
  return loose && !isRootLoose(facts, name) ? `collation ${name}` : undefined
}
