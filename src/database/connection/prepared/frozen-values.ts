/** SQL condition for a function of the application: neither PostgreSQL's own nor a member of an extension. */
const ofApplication = (name: string) => `${name}.oid operator(pg_catalog.>=) 16384 and not exists (
  select from pg_catalog.pg_depend d
   where d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
     and d.objid operator(pg_catalog.=) ${name}.oid and d.deptype operator(pg_catalog.=) 'e')`

/** The bodies of IMMUTABLE functions, including SQL functions that the server stores as a parse tree. */
const FROZEN = `
  select pg_catalog.lower(coalesce(pg_catalog.pg_get_function_sqlbody(f.oid), f.prosrc)) as body from pg_catalog.pg_proc f
   where f.provolatile operator(pg_catalog.=) 'i' and ${ofApplication('f')}`

/** CALLED: words before an opening parenthesis, which are calls. NAMED: words after FROM, JOIN and commas, which are tables. */
const CALLED = `
  select distinct word[1] as name from frozen, pg_catalog.regexp_matches(body, '(\\w+)"?\\s*\\(', 'g') word`
const NAMED = `
  select distinct word[1] as name
    from frozen, pg_catalog.regexp_matches(body, '(?:\\m(?:from|join)\\s+|,\\s*)(?:only\\s+)?(?:"?\\w+"?\\.)?"?(\\w+)', 'g') word
   where body operator(pg_catalog.~) '\\m(from|join)\\M'`

const CALLS = `
  select from called
    join pg_catalog.pg_proc g on pg_catalog.lower(pg_catalog.regexp_replace(g.proname, '^.*\\W', '')) operator(pg_catalog.=) called.name
   where g.provolatile operator(pg_catalog.<>) 'i' and ${ofApplication('g')}`

const READS = `
  select from named
    join pg_catalog.pg_class c on pg_catalog.lower(pg_catalog.regexp_replace(c.relname, '\\W.*$', '')) operator(pg_catalog.=) named.name
   where c.oid operator(pg_catalog.>=) 16384
     and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f']::pg_catalog."char"[])`

/**
 * Whether a function of the database is wrongly IMMUTABLE: it reads a setting or a table, or calls a function that is not IMMUTABLE.
 *
 * PostgreSQL computes such a function once, when it plans a statement. If a policy calls it, the value for the first tenant would stay in a
 * plan that is used for all tenants. The functions and tables that it uses are found by the words in its text. This may report a harmless
 * function, but it rarely misses a harmful one.
 */
export const FREEZES_VALUES = `exists (
  with frozen as materialized (${FROZEN}), called as materialized (${CALLED}), named as materialized (${NAMED})
  select from frozen where body operator(pg_catalog.~) 'current_setting' union all ${CALLS} union all ${READS})`
