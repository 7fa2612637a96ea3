import type { TypeFacts } from '../../catalog/catalog.ts'
import type { Column } from '../../catalog/model.ts'
import type { Facts } from '../facts.ts'
import type { Term } from './terms.ts'

/** What is said of a cast that nobody has judged: not known to hold, not known to leak. */
const UNJUDGED = 'perhaps '

/** True for a loss that was not shown, only not ruled out. */
export function isUnjudged(loss: string): boolean {
  return loss.startsWith(UNJUDGED)
}

/** Casts that keep different values apart, by the type that is cast. All types keep theirs as text. */
const EXACT_FROM: Readonly<Record<string, RegExp>> = {
  uuid: /^(uuid|text|character varying|citext|bpchar)$/,
  smallint: /^(smallint|integer|bigint|numeric|text|character varying|citext)$/,
  integer: /^(integer|bigint|numeric|text|character varying|citext|smallint)$/,
  bigint: /^(bigint|numeric|text|character varying|citext|integer|smallint)$/,
  numeric: /^(numeric|text|character varying|citext)$/,
  text: /^(text|character varying|name)$/,
  'character varying': /^(text|character varying|name)$/,
  citext: /^(text|citext|character varying|name)$/,
}

const KNOWN_TYPES =
  /^(uuid|text|character varying|character|bpchar|citext|name|smallint|integer|bigint|numeric|real|double precision|boolean|date|bytea)$/

/** A cast that maps two different values to one, or may; undefined when it does not. */
export function lossyCast(facts: Facts, inner: Term, type: string): string | undefined {
  // Only texts and bits are cut; a number that does not fit is an error.
  const limit = /^(?:character|character varying|bpchar|bit|bit varying)\((\d+)\)$/.exec(type)?.[1]
  if (limit !== undefined && Number(limit) < 36) {
    const length = inner.kind === 'column' ? lengthOf(inner.column) : longestTenant(facts)
    if (length > Number(limit)) return `the cast to ${type}`
  }
  const target = named(facts, type)
  if (target === undefined) return `${UNJUDGED}the cast to ${type}`
  if (target.loose) return rootIsLoose(facts) ? undefined : `the cast to ${type}`
  if (inner.kind !== 'column') return sourceCast(facts, inner, target.name, type)
  const base = plain(inner.column.baseType)
  if (target.name === base && !/^numeric\(/.test(type)) return undefined
  // Different spellings of one uuid or of one word are two texts.
  if (/^(text|character varying)$/.test(base)) {
    if (target.name === 'uuid') return rootIsText(facts) ? `${UNJUDGED}the cast to ${type}` : undefined
    if (target.name === 'citext') return rootIsLoose(facts) ? undefined : `the cast to ${type}`
  }
  if (/^numeric\(/.test(type) && base === 'numeric') return `${UNJUDGED}the cast to ${type}`
  const exact = EXACT_FROM[base] ?? /^(text|character varying)$/
  if (exact.test(target.name)) return undefined
  const judged = EXACT_FROM[base] !== undefined && KNOWN_TYPES.test(target.name)
  return `${judged ? '' : UNJUDGED}the cast to ${type}`
}

/** The session's own value, cast: to a type that tenants or users are kept in it names the same one. */
function sourceCast(facts: Facts, inner: Term, target: string, type: string): string | undefined {
  if (inner.kind !== 'context' && inner.kind !== 'key' && inner.kind !== 'setting') return undefined
  if (
    /^(uuid|text|character varying|character|bpchar|citext|name|smallint|integer|bigint|numeric|json|jsonb)$/.test(
      target,
    )
  )
    return undefined
  const kept = [...facts.catalog.relations.values()].some((relation) =>
    relation.columns.some((column) => plain(column.baseType) === target),
  )
  return kept && !/^("?char"?|bit)$/.test(target) ? undefined : `${UNJUDGED}the cast to ${type}`
}

/** The type below domains, and whether one of them holds different spellings equal; undefined for types with shapes of their own. */
function named(facts: Facts, type: string): { readonly name: string; readonly loose: boolean } | undefined {
  const bare = type.replace(/\(.*\)/, '')
  const own = ownType(facts, bare)
  if (own === undefined) return { name: plain(bare), loose: false }
  if (own.kind === 'enum') return { name: 'text', loose: false }
  if (own.kind !== 'domain') return plain(bare) === 'citext' ? { name: 'citext', loose: false } : undefined
  const below = own.baseType === bare ? undefined : named(facts, own.baseType)
  if (below === undefined) return undefined
  return { name: below.name, loose: below.loose || below.name === 'citext' || !own.deterministic }
}

function ownType(facts: Facts, name: string): TypeFacts | undefined {
  return [...facts.catalog.types.values()].find((type) => `${type.schema}.${type.name}` === name || type.name === name)
}

/** `public.citext` is citext wherever the extension was put. */
function plain(type: string): string {
  const bare = type.replace(/\(.*\)/, '')
  return bare.endsWith('.citext') ? 'citext' : bare
}

function lengthOf(column: Column): number {
  return Number(
    /^(?:character|character varying|bpchar|bit|bit varying)\((\d+)\)$/.exec(column.type)?.[1] ??
      Number.POSITIVE_INFINITY,
  )
}

/** How long a tenant's id can be: no setting that names a tenant is longer. */
function longestTenant(facts: Facts): number {
  const { root, tables } = facts.tenancy
  const keys = root === undefined ? [...tables.values()].flatMap((table) => table.column ?? []) : [root.key]
  return Math.max(...keys.map(lengthOf))
}

function isLoose(column: Column): boolean {
  return plain(column.baseType) === 'citext' || !column.deterministic
}

/** Harmless where the tenants' own key holds different spellings equal too, or nobody knows it. */
function rootIsLoose(facts: Facts): boolean {
  const root = facts.tenancy.root?.key
  return root !== undefined && isLoose(root)
}

function rootIsText(facts: Facts): boolean {
  return /^(text|character varying)$/.test(facts.tenancy.root?.key.baseType ?? '')
}

/** citext and nondeterministic collations hold different spellings equal; harmless where the tenants' own key does too. */
export function looseColumn(facts: Facts, column: Column): string | undefined {
  if (!isLoose(column)) return undefined
  const root = facts.tenancy.root?.key
  if (root === undefined || isLoose(root)) return undefined
  return column.deterministic ? 'citext' : `collation ${column.collation ?? ''}`
}

/** A collation in the text that holds different spellings equal. */
export function looseCollation(facts: Facts, name: string): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1)
  const loose = [...facts.catalog.looseCollations].some((known) => known === name || known.endsWith(`.${last}`))
  return loose && !rootIsLoose(facts) ? `collation ${name}` : undefined
}
