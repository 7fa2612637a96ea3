/** The body of a function, also of one in SQL that the server keeps as a tree. */
const bodyOf = (name: string) => `coalesce(pg_catalog.pg_get_function_sqlbody(${name}.oid), ${name}.prosrc)`

/** Made by the application: neither PostgreSQL's own nor an extension's. */
const ofApplication = (name: string) => `${name}.oid operator(pg_catalog.>=) 16384 and not exists (
  select from pg_catalog.pg_depend d
   where d.classid operator(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
     and d.objid operator(pg_catalog.=) ${name}.oid and d.deptype operator(pg_catalog.=) 'e')`

/** A function that is not IMMUTABLE is called. */
const CALLS = `exists (
  select from pg_catalog.pg_proc g
   where ${ofApplication('g')} and g.provolatile operator(pg_catalog.<>) 'i'
     and pg_catalog.strpos(${bodyOf('f')}, g.proname operator(pg_catalog.||) '(') operator(pg_catalog.>) 0)`

/** A table or view is read. Its name is looked for before the regular expression is made of it. */
const READS = `exists (
  select from pg_catalog.pg_class c
   where c.oid operator(pg_catalog.>=) 16384
     and c.relkind operator(pg_catalog.=) any (array['r', 'p', 'v', 'm', 'f']::pg_catalog."char"[])
     and pg_catalog.strpos(pg_catalog.lower(${bodyOf('f')}), pg_catalog.lower(c.relname)) operator(pg_catalog.>) 0
     and ${bodyOf('f')} operator(pg_catalog.~*) (
       '\\m(from|join)\\s+(only\\s+)?("?\\w+"?\\.)?"?' operator(pg_catalog.||)
       pg_catalog.regexp_replace(c.relname, '\\W', '.', 'g') operator(pg_catalog.||) '"?\\M'))`

/**
 * Whether a function of the database is wrongly IMMUTABLE: it reads a setting or a table, or calls a function that is not IMMUTABLE.
 *
 * PostgreSQL computes such a function once, when it plans a statement. In a policy it would keep the first tenant in a plan that is used for
 * all. What it calls is found by names in its text: rather one function too many than one too few.
 */
export const FREEZES_VALUES = `exists (
  select from pg_catalog.pg_proc f
   where ${ofApplication('f')} and f.provolatile operator(pg_catalog.=) 'i'
     and (${bodyOf('f')} operator(pg_catalog.~*) 'current_setting' or ${CALLS} or ${READS}))`
