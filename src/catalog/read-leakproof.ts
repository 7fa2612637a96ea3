import type { Queryable } from './model.ts'

/** A function of PostgreSQL or of an extension that somebody marked LEAKPROOF, although it reveals something about its arguments. */
export interface MarkedBuiltin {
  /** `textlike(text,text)` */
  readonly label: string
  /** Quoted for SQL. */
  readonly signature: string
  readonly name: string
  /** `pattern`: raises an error that depends on the row. `contains`: EXPLAIN ANALYZE counts the rows that its index finds. */
  readonly kind: 'pattern' | 'contains'
}

const TYPES = ['text', 'bpchar', 'name', 'citext', 'bytea']
const PATTERNS = TYPES.flatMap((type) =>
  ['like', 'nlike', 'iclike', 'icnlike', 'regexeq', 'regexne', 'icregexeq', 'icregexne'].map((end) => `${type}${end}`),
).concat(['like', 'notlike', 'texticlike', 'texticnlike', 'texticregexeq', 'texticregexne', 'regexp_like'])
const CONTAINS = [
  ...['jsonb_contains', 'jsonb_contained', 'jsonb_exists', 'jsonb_exists_any', 'jsonb_exists_all'],
  ...['jsonb_path_exists_opr', 'jsonb_path_match_opr', 'arraycontains', 'arraycontained', 'arrayoverlap'],
  ...['ts_match_vq', 'ts_match_qv', 'range_overlaps', 'range_contains', 'range_contained_by'],
]

/** Reads the functions of PostgreSQL that match patterns or look into values, and that are marked LEAKPROOF. None of them is by default. */
export async function readMarkedBuiltins(db: Queryable): Promise<readonly MarkedBuiltin[]> {
  const { rows } = await db.query<{ label: string; signature: string; name: string; pattern: boolean }>(
    `select p.oid::pg_catalog.regprocedure::text as label, p.proname::text as name, p.proname = any ($1::text[]) as pattern,
            pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as signature
     from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where p.proleakproof and p.proname = any ($1::text[] || $2::text[])
       and (n.nspname = 'pg_catalog' or exists (select from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'e'))
     order by 1`,
    [PATTERNS, CONTAINS],
  )
  return rows.map(({ pattern, ...row }) => ({ ...row, kind: pattern ? 'pattern' : 'contains' }))
}
