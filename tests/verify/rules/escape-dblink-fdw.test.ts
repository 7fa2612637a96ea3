import { ruleCase } from '../rule-case.ts'

ruleCase('escape-dblink-fdw', {
  hole: `create extension dblink;`,
  object: `extension dblink`,
  severity: 'high',
  proof: 'static',
  repaired: `create extension dblink; do $$ declare f regprocedure; begin for f in select p.oid from pg_proc p join pg_depend d on d.objid = p.oid and d.deptype = 'e' join pg_extension e on e.oid = d.refobjid where e.extname = 'dblink' loop execute format('revoke execute on function %s from public', f); end loop; end $$;`,
  nearMisses: {
    'a server without a mapping': `create extension postgres_fdw; create server other foreign data wrapper postgres_fdw; grant usage on foreign server other to {app};`,
  },
})

ruleCase('escape-dblink-fdw', {
  hole: `create extension postgres_fdw; create server other foreign data wrapper postgres_fdw; grant usage on foreign server other to {app}; create user mapping for public server other;`,
  object: `server other`,
  severity: 'high',
  proof: 'static',
  repaired: `create extension postgres_fdw; create server other foreign data wrapper postgres_fdw; create user mapping for public server other;`,
  nearMisses: {},
})
