import type { Facts } from '../tenancy/facts.ts'

/** Types that store a value unchanged, or raise an error. */
const KEPT =
  /^(text|uuid|boolean|bool|character varying|varchar|jsonb?|record|void|trigger|date|timestamptz?|timestamp with(out)? time zone|bytea|any\w*)(\[\])*$/
/** Types that may change a value, such as by rounding. casts.ts judges the cast where the value is compared with another value. */
const CAST = /^(smallint|integer|int|int2|int4|int8|bigint|numeric|citext|[\w$]+\.citext)$/

/** The effect of this type on a value that is assigned to an argument, variable or result. */
export function declaredAs(facts: Facts, type: string): 'kept' | 'cast' | 'unknown' {
  const bare = type.trim().toLowerCase()
  const column = /^(?:(\w+)\.)?(\w+)\.(\w+)%type$/.exec(bare)
  if (column !== null) {
    const [, schema, table = '', name] = column
    const relation = facts.relationNamed(schema, table)
    const found = relation?.columns.find((candidate) => candidate.name === name)
    return found === undefined ? 'unknown' : declaredAs(facts, found.type)
  }
  if (KEPT.test(bare) || bare.endsWith('%rowtype')) return 'kept'
  if (CAST.test(bare)) return 'cast'
  // Row types of tables and views, composite types and enums store the value unchanged or raise an error.
  if ([...facts.catalog.relations.values()].some(({ label, name }) => label === bare || name === bare)) return 'kept'
  const own = [...facts.catalog.types.values()].find(
    ({ schema, name }) => `${schema}.${name}` === bare || name === bare,
  )
  if (own === undefined) return 'unknown'
  if (own.kind === 'domain') return own.baseType === bare ? 'unknown' : domainAs(facts, own.baseType)
  return own.kind === 'composite' || own.kind === 'enum' ? 'kept' : 'unknown'
}

/** A domain is treated as a cast, if the effect of its base type is known. */
function domainAs(facts: Facts, base: string): 'cast' | 'unknown' {
  return declaredAs(facts, base) === 'unknown' ? 'unknown' : 'cast'
}
