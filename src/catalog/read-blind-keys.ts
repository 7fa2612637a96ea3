import { USER_SCHEMA } from './left-out-schemas.ts'
import type { BlindKey, Oid, Queryable } from './model.ts'
import { withoutExtensionSchema } from './names.ts'

interface KeyRow extends Record<string, unknown> {
  readonly index: Oid
  readonly position: number
  readonly column: number
  /** Position of the key among the expressions of the index, counted from 0. */
  readonly expression: number
  readonly key: string
  readonly type: string
  /** pg_type.typtype: `e` is an enum. */
  readonly type_kind: string
  readonly operators_leak: boolean
  /** All expressions of the index as PostgreSQL's node tree. */
  readonly tree: string | null
  /** `[':funcid 870', 'lower(text)']`: the parts of the tree that are not leakproof. */
  readonly leaky: readonly (readonly [string, string])[] | null
}

/**
 * Reads the blind keys (docs/glossary.md) of all indexes: keys that PostgreSQL can't use on a table with row-level security.
 *
 * PostgreSQL evaluates the policy first. It evaluates a condition before the policy only if all functions of the condition are LEAKPROOF.
 * Keys of partitions' indexes are left out, because the index of the partitioned table has the same keys.
 *
 * @see PostgreSQL source: contain_leaked_vars_walker in src/backend/optimizer/util/clauses.c
 */
export async function readBlindKeys(db: Queryable): Promise<ReadonlyMap<Oid, readonly BlindKey[]>> {
  const { rows } = await db.query<KeyRow>(`
    with keys as (
      select i.indexrelid, k.position, i.indkey[k.position - 1]::int as column, oc.opcfamily, oc.opcintype, am.amname,
             pg_catalog.pg_get_indexdef(i.indexrelid, k.position, false) as key,
             (select count(*)::int from pg_catalog.generate_series(0, k.position - 2) e where i.indkey[e] = 0) as expression,
             case when i.indkey[k.position - 1] = 0 then i.indexprs::text end as tree,
             coalesce(a.atttypid, x.atttypid) as type, coalesce(a.atttypmod, x.atttypmod) as modifier
      from pg_catalog.pg_index i
      join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      join pg_catalog.pg_am am on am.oid = c.relam
      cross join lateral pg_catalog.generate_series(1, i.indnkeyatts::int) k(position)
      join pg_catalog.pg_opclass oc on oc.oid = i.indclass[k.position - 1]
      join pg_catalog.pg_attribute x on x.attrelid = i.indexrelid and x.attnum = k.position
      left join pg_catalog.pg_attribute a on i.indkey[k.position - 1] <> 0 and a.attrelid = i.indrelid and a.attnum = i.indkey[k.position - 1]
      where i.indisvalid and ${USER_SCHEMA}
        and not exists (select from pg_catalog.pg_inherits h where h.inhrelid = i.indexrelid)
    )
    select k.indexrelid::int8::float8 as index, k.position, k.column, k.expression, k.key, k.tree,
           pg_catalog.format_type(k.type, k.modifier) as type, t.typtype::text as type_kind,
           -- Whether some operator of the index is not leakproof. btree, hash and brin use operators between two values of the indexed
           -- type. Other access methods also use operators with another type on the right side: @@ takes a tsquery.
           exists (select from pg_catalog.pg_amop o join pg_catalog.pg_operator p on p.oid = o.amopopr
                   join pg_catalog.pg_proc f on f.oid = p.oprcode
                   where o.amopfamily = k.opcfamily and o.amoppurpose = 's' and o.amoplefttype = k.opcintype
                     and (k.amname not in ('btree', 'hash', 'brin') or o.amoprighttype = k.opcintype) and not f.proleakproof) as operators_leak,
           (select pg_catalog.json_agg(distinct pg_catalog.jsonb_build_array(m[1], f.oid::pg_catalog.regprocedure::text))
              from pg_catalog.regexp_matches(k.tree, '(:(?:funcid|opno) \\d+)', 'g') m
              join pg_catalog.pg_proc f on f.oid = case when m[1] like ':funcid%' then pg_catalog.split_part(m[1], ' ', 2)::oid
                else (select oprcode from pg_catalog.pg_operator where oid = pg_catalog.split_part(m[1], ' ', 2)::oid) end
             where not f.proleakproof) as leaky
    from keys k join pg_catalog.pg_type t on t.oid = k.type
    order by 1, 2`)
  const trusted = await leakproofComparisons(db)
  const blind = new Map<Oid, BlindKey[]>()
  for (const row of rows) {
    const functions = row.tree === null ? [] : leaksOf(row.tree, row.expression, row.leaky ?? [], trusted)
    if (!row.operators_leak && functions.length === 0) continue
    const key: BlindKey = Object.freeze({
      position: row.position,
      column: row.column,
      // pg_get_indexdef() puts two pairs of parentheses around an operator.
      key: row.key.replace(/^\((\(.*\))\)$/s, '$1'),
      type: withoutExtensionSchema(row.type),
      isEnum: row.type_kind === 'e',
      operatorsLeak: row.operators_leak,
      functions,
    })
    blind.set(row.index, [...(blind.get(row.index) ?? []), key])
  }
  return blind
}

/** Returns the OIDs of the types whose default comparison is leakproof. GREATEST and LEAST of these types are leakproof, too. */
async function leakproofComparisons(db: Queryable): Promise<ReadonlySet<Oid>> {
  const { rows } = await db.query<{ type: Oid }>(`
    select distinct b.opcintype::int8::float8 as type from pg_catalog.pg_opclass b
    join pg_catalog.pg_am a on a.oid = b.opcmethod and a.amname = 'btree'
    join pg_catalog.pg_amproc s on s.amprocfamily = b.opcfamily and s.amproclefttype = b.opcintype
      and s.amprocrighttype = b.opcintype and s.amprocnum = 1
    join pg_catalog.pg_proc f on f.oid = s.amproc and f.proleakproof
    where b.opcdefault`)
  return new Set(rows.map(({ type }) => type))
}

/** Kinds of nodes that the planner never treats as leakproof. */
const UNTRUSTED: ReadonlyMap<string, string> = new Map([
  ['COALESCEEXPR', 'COALESCE'],
  ['COERCEVIAIO', 'a cast through text'],
  ['ARRAYCOERCEEXPR', 'a cast of an array'],
  ['CONVERTROWTYPEEXPR', 'a cast of a row'],
  ['COERCETODOMAIN', 'a cast to a domain'],
  ['XMLEXPR', 'an XML expression'],
])

function leaksOf(
  tree: string,
  at: number,
  leaky: readonly (readonly [string, string])[],
  trusted: ReadonlySet<Oid>,
): readonly string[] {
  const expression = expressionsOf(tree)[at] ?? tree
  const called = leaky.filter(([mark]) => expression.includes(`${mark} `)).map(([, name]) => name)
  const kinds = [...expression.matchAll(/\{([A-Z]+)(?: :minmaxtype (\d+))?/g)].flatMap(([, kind = '', type]) => {
    if (kind === 'MINMAXEXPR') return trusted.has(Number(type)) ? [] : ['GREATEST or LEAST']
    return UNTRUSTED.get(kind) ?? (kind.startsWith('JSON') ? ['a JSON expression'] : [])
  })
  return [...new Set([...called, ...kinds])].sort()
}

/** Splits a list such as `({OPEXPR …} {FUNCEXPR …})` into its members. A backslash escapes braces inside of values. */
function expressionsOf(tree: string): readonly string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < tree.length; at++) {
    const mark = tree[at]
    if (mark === '\\') at++
    else if (mark === '{' && depth++ === 0) start = at
    else if (mark === '}' && --depth === 0) found.push(tree.slice(start, at + 1))
  }
  return found
}
