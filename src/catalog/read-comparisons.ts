import type { Catalog } from './catalog.ts'
import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Queryable } from './model.ts'

/** Objects of the database that change the meaning of an equality, such as user-defined operators and casts. */
export async function readComparisons(
  db: Queryable,
): Promise<Pick<Catalog, 'ownOperators' | 'looseCollations' | 'ownCasts' | 'shadowedFunctions'>> {
  const { rows } = await db.query<{ kind: string; name: string }>(`
    select 'operator' as kind, n.nspname || '.' || o.oprname as name
    from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
    where ${USER_SCHEMA} and not exists (select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_operator'::regclass and d.objid = o.oid and d.deptype = 'e')
    union all
    select 'collation', n.nspname || '.' || c.collname
    from pg_catalog.pg_collation c join pg_catalog.pg_namespace n on n.oid = c.collnamespace
    where not c.collisdeterministic
    union all
    select distinct 'function', p.proname::text
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where ${USER_SCHEMA} and exists (select from pg_catalog.pg_proc b
      where b.pronamespace = 'pg_catalog'::regnamespace and b.proname = p.proname)
    union all
    select 'cast', pg_catalog.format_type(c.castsource, null) || ' as ' || pg_catalog.format_type(c.casttarget, null)
    from pg_catalog.pg_cast c
    where c.oid >= 16384 and c.castsource < 16384 and c.casttarget < 16384`)
  const named = (kind: string) => new Set(rows.filter((row) => row.kind === kind).map((row) => row.name))
  return {
    ownOperators: named('operator'),
    looseCollations: named('collation'),
    shadowedFunctions: named('function'),
    ownCasts: named('cast'),
  }
}
