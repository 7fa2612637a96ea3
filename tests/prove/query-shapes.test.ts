import { type Shape, shapes, TEXT_KEYS } from './shapes.ts'

const helper = (body: string, returns = 'boolean', args = 'tenant text') =>
  `create function app.{t}f (${args}) returns ${returns} language sql stable set search_path = public, pg_temp as $$ ${body} $$`
const HELPER = 'create policy p on {t} using (app.{t}f(tenant_id))'
const using = (predicate: string): Shape => ({ policy: `create policy p on {t} using (${predicate})` })
const MEMBER = 'm.tenant_id = {t}.tenant_id and m.tenant_id = {CTX}'

const leaking: Readonly<Record<string, Shape>> = {
  'an aggregate in ORDER BY': using(`exists (select 1 from members m where ${MEMBER} order by max(m.user_id))`),
  'an aggregate in DISTINCT ON': using(`exists (select distinct on (max(m.user_id)) 1 from members m where ${MEMBER})`),
  'an aggregate inside a window': using(
    `exists (select row_number() over (order by count(*)) from members m where ${MEMBER})`,
  ),
  'an aggregate in a named window': using(
    `exists (select row_number() over w from members m where ${MEMBER} window w as (order by count(*)))`,
  ),
  'an aggregate of the outer query inside a subquery': using(
    `exists (select (select max(m.user_id)) from members m where ${MEMBER})`,
  ),
  'two elements of one array': using(
    `tenant_id in (select unnest(p.ids) from pairs p where {CTX} in (select unnest(p.ids)))`,
  ),
  'two elements of one array in FROM': using(
    `exists (select from pairs p, unnest(p.ids) a, unnest(p.ids) b where a = {t}.tenant_id and b = {CTX})`,
  ),
  'two elements of an aggregated array': using(
    `exists (select from (select array_agg(c.id) as ids from catalogue c group by c.label) g
      where {t}.tenant_id in (select unnest(g.ids)) and {CTX} in (select unnest(g.ids)))`,
  ),
  'an array of arrays': using(
    `exists (select from pairs p where {t}.tenant_id = any (array[p.ids, p.ids]) and {CTX} = any (array[p.ids, p.ids]))`,
  ),
  'the greatest and the least of a group': using(
    `exists (select from (select max(c.id) as a, min(c.id) as b from catalogue c where c.id <> 'x' group by c.label) s
      where s.a = {t}.tenant_id and s.b = {CTX})`,
  ),
  'a value from elsewhere in the window': using(
    `exists (select from (select c.id as a, max(c.id) over (partition by c.label) as b from catalogue c where c.id <> 'x') s
      where s.b = {t}.tenant_id and s.a = {CTX})`,
  ),
  'a value from the row before': using(
    `exists (select from (select c.id as a, lead(c.id) over (order by c.id) as b from catalogue c where c.id <> 'x') s
      where s.b = {t}.tenant_id and s.a = {CTX})`,
  ),
  'a table behind a later CTE of its name': {
    setup:
      helper(`with a as (select * from catalogue), catalogue as (select m.tenant_id as id, m.status as label from members m)
      select exists (select from a where a.id = tenant)`),
    policy: HELPER,
  },
  'a CTE read where its names mean something else': {
    setup: helper(
      `with k as (select id as v from members m)
       select exists (select from catalogue c where c.id = tenant and exists (select from k where k.v = {CTX}))`,
      'boolean',
      'id text, tenant text',
    ),
    policy: 'create policy p on {t} using (app.{t}f({CTX}, tenant_id))',
  },
  'an alias of two levels, from a subquery that is not LATERAL': {
    setup: helper(`select exists (select from catalogue x where exists (
      select from catalogue x, (select x.id as t) s where s.t = {CTX} and x.id = tenant))`),
    policy: HELPER,
  },
  'a condition inside an outer join': using(
    `exists (select from members m left join lateral (select 1 as one where {t}.tenant_id = {CTX}) s on true)`,
  ),
  'the condition of a join inside an outer join': using(
    `exists (select from members m left join (tenants a join tenants b on {t}.tenant_id = {CTX}) on true)`,
  ),
  'a condition inside a right join': using(
    `exists (select from (select 1 as one where {t}.tenant_id = {CTX}) s right join members m on true)`,
  ),
  'a constant that an outer join makes NULL': using(
    `exists (select from members m left join (select true as ok from tenants t where t.id = {t}.tenant_id) s on true
      where s.ok is not true or {t}.tenant_id = {CTX})`,
  ),
  'a column merged by RIGHT JOIN USING': {
    setup:
      helper(`select exists (select from members m right join (select c.id as tenant_id from catalogue c) d using (tenant_id)
      where tenant_id = tenant)`),
    policy: HELPER,
  },
  'places counted over merged columns': {
    setup: helper(`select exists (select from (select * from (select 1 as k, 2 as l) a join
      (select 1 as k, m.tenant_id as r, c.id as s from members m, catalogue c) b using (k)) j (p, q, r, s) where s = tenant)`),
    policy: HELPER,
  },
  'a scalar subquery that is cut to nothing': using(`(select true limit 0) is null or tenant_id = {CTX}`),
  'a scalar subquery past its only row': using(`(select 'x'::text offset 1) is null or tenant_id = {CTX}`),
  'LATERAL over a UNION': using(
    `exists (select from (select {CTX} as t union all select c.id from catalogue c) u, lateral (select u.t as t) l
      where l.t = {t}.tenant_id)`,
  ),
  'columns of a record beside an argument of their name': {
    setup: helper(
      `select exists (select from json_to_recordset('[{"id": "acme"}]') as x (id text) where id = {CTX})`,
      'boolean',
      'id text',
    ),
    policy: HELPER,
  },
  'an ordinality beside an argument of its name': {
    setup: helper(
      `select exists (select from unnest(array['a', {CTX}]) with ordinality where ordinality = 2 and unnest = {CTX})`,
      'boolean',
      'unnest text',
    ),
    policy: HELPER,
  },
  'the second of two functions in FROM': {
    setup: helper(
      `select exists (select from rows from (unnest(array['x']), unnest(array[{CTX}])) as f (a, tenant) where tenant = {CTX})`,
    ),
    policy: HELPER,
  },
  'a rowtype filled by place': {
    setup: helper('select c.id, m.tenant_id, m.status from members m, catalogue c', 'setof members', ''),
    policy: 'create policy p on {t} using (exists (select from app.{t}f() x where x.tenant_id = {t}.tenant_id))',
  },
  'a view of the acting role written `1`': {
    setup: `create table {t}b (tenant_id text not null, label text); insert into {t}b (tenant_id) values ('acme'), ('bolt');
      alter table {t}b owner to {owner}; alter table {t}b enable row level security, force row level security;
      create policy own on {t}b to {owner} using (tenant_id = {CTX}); create policy wide on {t}b to {app} using (true);
      create view {t}v with (security_invoker = 1) as select * from {t}b; alter view {t}v owner to {owner};
      grant select on {t}b, {t}v to {app}`,
    policy: 'create policy p on {t} using (exists (select from {t}v v where v.tenant_id = {t}.tenant_id))',
  },
}

const holding: Readonly<Record<string, Shape>> = {
  'EXISTS on a protected lookup': using('exists (select from members m where m.tenant_id = {t}.tenant_id)'),
  'IN over a protected lookup': using('tenant_id in (select m.tenant_id from members m)'),
  '= ANY (ARRAY(SELECT))': using(
    'tenant_id = any (array(select m.tenant_id from members m where m.tenant_id = {CTX}))',
  ),
  'an aggregated array of a protected lookup': using(
    'tenant_id = any ((select array_agg(m.tenant_id) from members m)::text[])',
  ),
  'an inner join of lookups': using(
    `exists (select from members m join tenants a on a.id = m.tenant_id where a.id = {t}.tenant_id and m.tenant_id = {CTX})`,
  ),
  'a lookup with an outer join beside': using(
    `exists (select from members m left join catalogue c on c.id = m.status where ${MEMBER})`,
  ),
  'a count of lookups': using(`(select count(*) from members m where ${MEMBER}) > 0`),
  'a CTE': using(
    `exists (with mine as (select m.tenant_id from members m where m.tenant_id = {CTX}) select from mine where mine.tenant_id = {t}.tenant_id)`,
  ),
  'a limited lookup': using(`exists (select 1 from members m where ${MEMBER} order by m.user_id limit 1)`),
  'a grouped lookup': using(
    `tenant_id in (select m.tenant_id from members m where m.tenant_id = {CTX} group by m.tenant_id having count(*) > 0)`,
  ),
  'a helper with rows': {
    setup: helper('select m.tenant_id from members m where m.tenant_id = {CTX}', 'setof text', ''),
    policy: 'create policy p on {t} using (tenant_id in (select app.{t}f()))',
  },
  'a helper with rows, as an array': {
    setup: helper('select m.tenant_id from members m where m.tenant_id = {CTX}', 'setof text', ''),
    policy: 'create policy p on {t} using (tenant_id = any (array(select app.{t}f())))',
  },
  'a helper that aggregates': {
    setup: helper('select array_agg(m.tenant_id) from members m where m.tenant_id = {CTX}', 'text[]', ''),
    policy: 'create policy p on {t} using (tenant_id = any (app.{t}f()))',
  },
  'a helper that answers a table': {
    setup: helper(
      'select m.tenant_id, m.user_id from members m where m.tenant_id = {CTX}',
      'table (org text, person text)',
      '',
    ),
    policy: 'create policy p on {t} using (exists (select from app.{t}f() x where x.org = {t}.tenant_id))',
  },
}

shapes('queries inside policies', TEXT_KEYS, { leaking, holding })
