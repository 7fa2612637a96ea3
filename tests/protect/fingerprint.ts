/** The schema as far as protect changes it, a line for each part; two equal answers are two equal schemas. */
export const FINGERPRINT = `
  with mine as (select c.* from pg_class c where c.relnamespace in
    (select oid from pg_namespace where nspname !~ '^pg_' and nspname not in ('information_schema', 'partywall')))
  select 'relation ' || c.oid::regclass || ' ' || c.relrowsecurity::text || c.relforcerowsecurity as line from mine c where relkind in ('r','p')
  union all select 'grant ' || c.oid::regclass || ' ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ' ' || a.privilege_type || a.is_grantable::text
    from mine c, aclexplode(coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r'::"char" end, c.relowner))) a
  union all select 'schema ' || n.nspname || ' ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ' ' || a.privilege_type
    from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  union all select 'database ' || coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') || ' ' || a.privilege_type
    from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where d.datname = current_database()
  union all select 'column ' || c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull::text || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
    from mine c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where c.relkind in ('r','p')
  union all select 'constraint ' || c.oid::regclass || ' ' || k.conname || ' ' || pg_get_constraintdef(k.oid) || k.convalidated::text from mine c join pg_constraint k on k.conrelid = c.oid
  union all select 'index ' || pg_get_indexdef(i.indexrelid) || i.indisvalid::text from mine c join pg_index i on i.indrelid = c.oid
  union all select 'trigger ' || pg_get_triggerdef(t.oid) || t.tgenabled::text from mine c join pg_trigger t on t.tgrelid = c.oid where not t.tgisinternal
  union all select 'policy ' || c.oid::regclass::text || p.polname || p.polcmd::text || p.polpermissive::text || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') || coalesce(obj_description(p.oid, 'pg_policy'), '')
    from mine c join pg_policy p on p.polrelid = c.oid
  union all select 'function ' || f.oid::regprocedure || md5(f.prosrc) || coalesce(f.proconfig::text, '')
    from pg_proc f where f.pronamespace in (select relnamespace from mine) and not exists (select from pg_depend d where d.objid = f.oid and d.deptype = 'e')
  order by 1`
