import { USER_SCHEMA } from './left-out-schemas.ts'
import type { Grant, Oid, Queryable } from './model.ts'

/** A definition in the database that no rule reads, as a text without object ids. */
export interface OtherDefinition {
  /** The schema, relation or object that it belongs to. */
  readonly object: string
  /** `operator public.=(uuid,uuid)`. */
  readonly name: string
  readonly text: string
  /** 0 if the object has no owner, or if its owner does not matter. */
  readonly owner: Oid
  readonly grants: readonly Grant[]
}

const notOfExtension = (objectClass: string, oid: string) =>
  `not exists (select from pg_catalog.pg_depend x where x.classid = 'pg_catalog.${objectClass}'::regclass and x.objid = ${oid} and x.deptype = 'e')`

/** Each query returns the object, a name, a JSON text, an access control list (or NULL) and an owner (or 0). */
const QUERIES: readonly string[] = [
  `select n.nspname::text, 'operator ' || o.oid::regoperator::text,
     jsonb_build_array(o.oprcode::regprocedure::text, nullif(o.oprcom, 0)::regoperator::text, nullif(o.oprnegate, 0)::regoperator::text), null::aclitem[], 0::oid
   from pg_catalog.pg_operator o join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
   where ${USER_SCHEMA} and ${notOfExtension('pg_operator', 'o.oid')}`,
  `select 'database', pg_catalog.format('cast of %s as %s', c.castsource::regtype, c.casttarget::regtype),
     jsonb_build_array(nullif(c.castfunc, 0)::regprocedure::text, c.castmethod::text, c.castcontext::text), null::aclitem[], 0::oid
   from pg_catalog.pg_cast c where c.oid >= 16384 and ${notOfExtension('pg_cast', 'c.oid')}`,
  `select n.nspname::text, pg_catalog.format('operator class %s.%s for %s', n.nspname, c.opcname, m.amname),
     jsonb_build_array(c.opcintype::regtype::text, c.opcdefault), null::aclitem[], 0::oid
   from pg_catalog.pg_opclass c join pg_catalog.pg_namespace n on n.oid = c.opcnamespace join pg_catalog.pg_am m on m.oid = c.opcmethod
   where ${USER_SCHEMA} and ${notOfExtension('pg_opclass', 'c.oid')}`,
  `select 'database', pg_catalog.format('transform for %s language %s', t.trftype::regtype, l.lanname),
     jsonb_build_array(nullif(t.trffromsql::oid, 0)::regprocedure::text, nullif(t.trftosql::oid, 0)::regprocedure::text), null::aclitem[], 0::oid
   from pg_catalog.pg_transform t join pg_catalog.pg_language l on l.oid = t.trflang where ${notOfExtension('pg_transform', 't.oid')}`,
  `select 'database', 'what publication ' || p.pubname || ' sends',
     jsonb_build_array(p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, coalesce(to_jsonb(p)->>'pubgencols', 'n')), null::aclitem[], p.pubowner
   from pg_catalog.pg_publication p`,
  `select 'database', pg_catalog.format('columns of %s in publication %s', r.prrelid::regclass, p.pubname),
     to_jsonb(array(select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs::int2[]) order by 1)), null::aclitem[], 0::oid
   from pg_catalog.pg_publication_rel r join pg_catalog.pg_publication p on p.oid = r.prpubid where r.prattrs is not null`,
  `select 'database', 'subscription ' || s.subname, to_jsonb(s.subpublications), null::aclitem[], s.subowner
   from pg_catalog.pg_subscription s where s.subdbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())`,
  `select 'database', 'foreign-data wrapper ' || w.fdwname,
     jsonb_build_array(nullif(w.fdwhandler, 0)::regprocedure::text, w.fdwoptions), w.fdwacl, w.fdwowner
   from pg_catalog.pg_foreign_data_wrapper w`,
  `select n.nspname::text || '.' || c.relname, pg_catalog.format('options of foreign table %s.%s', n.nspname, c.relname), to_jsonb(f.ftoptions), null::aclitem[], 0::oid
   from pg_catalog.pg_foreign_table f join pg_catalog.pg_class c on c.oid = f.ftrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where f.ftoptions is not null and ${USER_SCHEMA}`,
  `select n.nspname::text || '.' || t.typname, pg_catalog.format('privileges on type %s.%s', n.nspname, t.typname), null::jsonb, t.typacl, 0::oid
   from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace where t.typacl is not null and ${USER_SCHEMA}`,
  `select 'pg_catalog', pg_catalog.format('privileges on column %s.%s', c.relname, t.attname), null::jsonb, t.attacl, 0::oid
   from pg_catalog.pg_attribute t join pg_catalog.pg_class c on c.oid = t.attrelid
   left join pg_catalog.pg_init_privs i on i.objoid = c.oid and i.classoid = 'pg_catalog.pg_class'::regclass and i.objsubid = t.attnum
   where c.relnamespace = 'pg_catalog'::regnamespace and t.attacl is not null and t.attacl is distinct from i.initprivs`,
  `select n.nspname::text || '.' || c.relname, pg_catalog.format('state of %s on %s.%s', t.tgfoid::regproc, n.nspname, c.relname),
     to_jsonb(array_agg(pg_catalog.format('%s %s', k.conname, t.tgenabled) order by k.conname, t.tgenabled)), null::aclitem[], 0::oid
   from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   left join pg_catalog.pg_constraint k on k.oid = t.tgconstraint
   where t.tgisinternal and t.tgenabled <> 'O' and ${USER_SCHEMA} group by n.nspname, c.relname, t.tgfoid`,
  `select n.nspname::text, pg_catalog.format('statistics %s.%s', n.nspname, s.stxname), to_jsonb(pg_catalog.pg_get_statisticsobjdef(s.oid)), null::aclitem[], 0::oid
   from pg_catalog.pg_statistic_ext s join pg_catalog.pg_namespace n on n.oid = s.stxnamespace where ${USER_SCHEMA}`,
  `select 'database', pg_catalog.format('security label of %s %s by %s', l.objtype, l.objname, l.provider), to_jsonb(l.label), null::aclitem[], 0::oid
   from pg_catalog.pg_seclabels l where l.objtype not in ('database', 'role', 'tablespace')`,
]

interface DefinitionRow extends Record<string, unknown> {
  readonly object: string
  readonly name: string
  readonly text: string | null
  readonly owner: Oid
  readonly grants: readonly Grant[]
}

/**
 * Reads definitions that affect isolation and that have no type in model.ts or catalog.ts, so that the digest of a schema covers them too.
 */
export async function readDefinitions(db: Queryable): Promise<readonly OtherDefinition[]> {
  const all = QUERIES.map(
    (query) =>
      `select q.object::text, q.name::text, q.text::jsonb, q.acl, q.owner from (${query}) q (object, name, text, acl, owner)`,
  )
  const { rows } = await db.query<DefinitionRow>(`
    select d.object, d.name, d.text::text as text, d.owner::int8::float8 as owner, array(
      select jsonb_build_object('grantee', a.grantee::int8, 'privilege', a.privilege_type, 'grantable', a.is_grantable)
      from pg_catalog.aclexplode(d.acl) a) as grants
    from (${all.join(' union all ')}) d`)
  return rows.map((row) => Object.freeze({ ...row, text: row.text ?? '' }))
}
