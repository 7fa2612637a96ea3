import { type Shape, shapes, TEXT_KEYS } from './shapes.ts'

/** A helper of the table's own, called with what the policy says. */
const helper = (given: {
  readonly body: string
  readonly args?: string
  readonly call?: string
  readonly language?: string
  readonly more?: string
  readonly before?: string
  readonly returns?: string
}): Shape => ({
  setup: `${given.before ?? ''};
    create function app.{t}f (${given.args ?? 'tenant text'}) ${given.returns ?? 'returns boolean'} language ${given.language ?? 'plpgsql'}
      ${given.more ?? 'stable set search_path = public, pg_temp'} as $$ ${given.body} $$`,
  policy: `create policy p on {t} using (${given.call ?? 'app.{t}f(tenant_id)'})`,
})
const sql = { language: 'sql' } as const
const evil = `create function app.{t}e (value text) returns boolean language plpgsql volatile cost 0.0001 as $$
  begin execute format('set local app.tenant_id = %L', value); return true; end $$`

const leaking: Readonly<Record<string, Shape>> = {
  'a variable hidden by an inner block’s': helper({
    body: `declare v text := tenant; begin declare v text := {CTX}; begin null; end; return tenant = v; end`,
  }),
  'an argument by its function’s name, after it was changed': helper({
    body: `begin a := b; return {t}f.a = {CTX}; end`,
    args: 'a text, b text',
    call: 'app.{t}f(tenant_id, {CTX})',
  }),
  'an argument by its number, after it was changed': helper({
    body: `begin a := b; return $1 = {CTX}; end`,
    args: 'a text, b text',
    call: 'app.{t}f(tenant_id, {CTX})',
  }),
  'arguments numbered beside an OUT argument': helper({
    body: `begin ok := $2 = {CTX}; return; end`,
    args: 'out ok boolean, a text, b text',
    returns: '',
    call: 'app.{t}f({CTX}, tenant_id)',
  }),
  'an argument changed before a subquery in FROM reads it': helper({
    body: `begin p := q; return exists (select from (select p as v) s where s.v = {CTX}); end`,
    args: 'p text, q text',
    call: 'app.{t}f(tenant_id, {CTX})',
  }),
  'a column that wins over the variable': helper({
    body: `#variable_conflict use_column
      declare v text := tenant; ok boolean; begin select exists (select from (select {CTX} as v) c where v = {CTX}) into ok; return ok; end`,
  }),
  'what an error left behind': helper({
    body: `declare v text; n int; begin begin v := tenant; n := 1 / 0; v := {CTX}; return false;
      exception when division_by_zero then return tenant = v; end; end`,
  }),
  'a field of a record that was filled anew': helper({
    before: 'create type app.{t}r as (t text)',
    body: `declare r app.{t}r; begin r.t := {CTX}; select c.id into r from catalogue c where c.id = tenant; return r.t = tenant; end`,
  }),
  'an element of an array': helper({
    body: `declare v text[] := array[tenant]; begin v[2] := {CTX}; return array[tenant] <@ v; end`,
  }),
  'RETURN NEXT more than once': helper({
    body: `begin return next {CTX}; return next 'bolt'; return; end`,
    args: '',
    returns: 'returns setof text',
    call: 'tenant_id in (select app.{t}f())',
  }),
  'RETURN QUERY more than once': helper({
    body: `begin return query select m.tenant_id from members m; return query select c.id from catalogue c; end`,
    args: '',
    returns: 'returns setof text',
    call: 'tenant_id in (select app.{t}f())',
  }),
  'variables of a type that cuts': helper({
    before: `insert into tenants values ('axle', 'Axle'); insert into {t} (tenant_id) values ('axle')`,
    body: `declare v "char" := tenant; w "char" := {CTX}; begin return v = w; end`,
  }),
  'arguments of a type that cuts': helper({
    ...sql,
    before: `insert into tenants values ('alma', 'Alma'); insert into {t} (tenant_id) values ('alma')`,
    body: `select app.{t}g(tenant, {CTX})`,
    call: 'app.{t}f(tenant_id)',
  }),
  'a result of a type that cuts': {
    setup: `insert into tenants values ('argo', 'Argo'); insert into {t} (tenant_id) values ('argo');
      create function app.{t}f (tenant text) returns "char" language plpgsql immutable as $$ begin return tenant; end $$`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id) = app.{t}f({CTX}))',
  },
  'rows of a type that cuts': {
    setup: `insert into tenants values ('anvil', 'Anvil'); insert into {t} (tenant_id) values ('anvil');
      create function app.{t}f () returns setof "char" language plpgsql stable set search_path = public as $$ begin
        return query select {CTX}::"char"; end $$`,
    policy: 'create policy p on {t} using (tenant_id::"char" in (select app.{t}f()))',
  },
  'a STRICT function that is NULL': helper({
    ...sql,
    args: 'n int',
    more: 'stable strict set search_path = public, pg_temp',
    body: 'select exists (select from tenants)',
    call: 'app.{t}f(rank) is null or tenant_id = {CTX}',
  }),
  'a function whose only row HAVING takes away': helper({
    ...sql,
    args: '',
    body: 'select true having false',
    call: 'app.{t}f() is null or tenant_id = {CTX}',
  }),
  'a function of the name of a built-in': {
    setup: `create function app.translate (a int, b text, c text) returns text language sql stable as $$ select {CTX} $$;
      create function app.{t}f (a text, b text) returns boolean language sql stable set search_path = public, pg_temp as $$
        select a = translate(b, 'x', 'y') $$`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id, tenant_id))',
  },
  'a table of another schema in the path': {
    setup: `create table {t}m (tenant_id text not null); create table app.{t}m (tenant_id text not null);
      insert into app.{t}m values ('acme'), ('bolt');
      alter table {t}m owner to {owner}; alter table app.{t}m owner to {owner};
      alter table {t}m enable row level security, force row level security;
      create policy own on {t}m using (tenant_id = {CTX}); grant select on {t}m, app.{t}m to {app};
      create function app.{t}f (tenant text) returns boolean language sql stable set search_path = app, pg_temp as $$
        select exists (select from {t}m m where m.tenant_id = tenant) $$`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id))',
  },
  'a neighbour that changes the setting by a text': {
    setup: evil,
    policy: `create policy p on {t} using (case when app.{t}e(tenant_id) then tenant_id = current_setting('app.tenant_id', true) end)`,
  },
  'another policy that changes the setting': {
    setup: `${evil}; create function app.{t}f (value text) returns boolean language plpgsql volatile cost 0.0001 as $$
      begin perform app.{t}e(value); return false; end $$; insert into {t} (tenant_id) values ('bolt')`,
    policy: `create policy a on {t} using (app.{t}f(tenant_id)); create policy b on {t} using (tenant_id = current_setting('app.tenant_id', true))`,
  },
  'a restriction that is asked after the setting was changed': {
    setup: `${evil}; insert into {t} (tenant_id) values ('bolt')`,
    policy: `create policy a on {t} using (app.{t}e('bolt'));
      create policy b on {t} as restrictive using (tenant_id = current_setting('app.tenant_id', true))`,
    // The first row's context must not be that of the whole scan.
    attack: 'set local enable_indexscan = off; set local enable_bitmapscan = off; set local enable_indexonlyscan = off',
  },
  'a view that changes the setting': {
    setup: `${evil}; create view {t}v as select app.{t}e('bolt') as done; grant select on {t}v to {app}`,
    policy: `create policy p on {t} using (case when exists (select from {t}v v where v.done) then tenant_id = current_setting('app.tenant_id', true) end)`,
  },
  'a lookup whose policy changes the setting': {
    setup: `${evil}; create table {t}l (n int); insert into {t}l values (1); alter table {t}l enable row level security;
      create policy p on {t}l using (app.{t}e('bolt')); grant select on {t}l to {app}`,
    policy: `create policy p on {t} using (case when exists (select from {t}l) then tenant_id = current_setting('app.tenant_id', true) end)`,
  },
  'words of a body that mean the same uuid': helper({
    ...sql,
    body: `select '{00000000-0000-0000-0000-000000000000}'::uuid = '00000000-0000-0000-0000-000000000000'::uuid or tenant = {CTX}`,
  }),
  'words of a body that mean the same number': helper({
    ...sql,
    body: `select 1_000.5 = 1000.5 or tenant = {CTX}`,
  }),
  'words of a body that are cut to the same name': helper({
    ...sql,
    body: `select (repeat('x', 0) || 'a') = 'b' or '${'x'.repeat(64)}1'::name = '${'x'.repeat(64)}2'::name or tenant = {CTX}`,
  }),
  'rows compared in a body': helper({
    ...sql,
    args: 'tenant text, other text',
    body: `select (tenant, 1) = (coalesce({CTX}, other), 1)`,
    call: 'app.{t}f(tenant_id, tenant_id)',
  }),
}
// An unset context.
const unset: Readonly<Record<string, Shape>> = Object.fromEntries(
  ['rows compared in a body'].map((name) => [name, { ...leaking[name], context: '' } as Shape]),
)
const cutting = leaking['arguments of a type that cuts']
const cut: Readonly<Record<string, Shape>> = {
  'arguments of a type that cuts': {
    policy: cutting?.policy ?? '',
    setup: `create function app.{t}g (a "char", b "char") returns boolean language sql immutable as $$ select a = b $$; ${(
      cutting?.setup ?? ''
    ).replace('app.{t}g(tenant, {CTX})', `app.{t}g(tenant::"char", ({CTX})::"char")`)}`,
  },
}

const holding: Readonly<Record<string, Shape>> = {
  'a test of the setting': helper({ ...sql, body: 'select tenant = {CTX}' }),
  'the same, BEGIN ATOMIC': {
    setup: `create function app.{t}f (tenant text) returns boolean language sql stable begin atomic select tenant = {CTX}; end`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id))',
  },
  'a helper that answers the setting': helper({
    ...sql,
    args: '',
    returns: 'returns text',
    body: 'select {CTX}',
    call: 'tenant_id = app.{t}f()',
  }),
  'the same in PL/pgSQL': helper({
    args: '',
    returns: 'returns text',
    body: 'begin return {CTX}; end',
    call: 'tenant_id = (select app.{t}f())',
  }),
  'a variable with a test': helper({
    body: `declare v text := {CTX}; begin if v is null then return false; end if; return tenant = v; end`,
  }),
  'a variable of the column’s type': helper({
    body: `declare v members.tenant_id%type; begin v := {CTX}; return tenant = v; end`,
  }),
  'a helper that raises without a tenant': helper({
    args: '',
    returns: 'returns text',
    body: `declare v text := {CTX}; begin if v is null then raise exception 'no tenant'; end if; return v; end`,
    call: `({CTX}) is not null and tenant_id = app.{t}f()`,
  }),
  'a membership helper': helper({
    ...sql,
    more: 'stable security definer set search_path = public, pg_temp',
    body: 'select exists (select from members m where m.tenant_id = tenant and m.tenant_id = {CTX})',
  }),
  'a membership helper in PL/pgSQL': helper({
    body: `declare ok boolean; begin select exists (select from members m where m.tenant_id = tenant) into ok; return ok; end`,
  }),
  'a lookup with FOUND': helper({
    body: `begin perform 1 from members m where m.tenant_id = tenant; return found; end`,
  }),
  'RETURN QUERY once': helper({
    body: `begin return query select m.tenant_id from members m; return; end`,
    args: '',
    returns: 'returns setof text',
    call: 'tenant_id in (select app.{t}f())',
  }),
  'a STRICT helper': helper({
    ...sql,
    more: 'stable strict set search_path = public, pg_temp',
    body: 'select tenant = {CTX}',
  }),
  'a helper that calls a helper': {
    setup: `create function app.{t}c () returns text language sql stable set search_path = pg_catalog as $$ select {CTX} $$;
      create function app.{t}f (tenant text) returns boolean language sql stable set search_path = pg_catalog as $$ select tenant = app.{t}c() $$`,
    policy: 'create policy p on {t} using (app.{t}f(tenant_id))',
  },
}

shapes('helpers of policies', TEXT_KEYS, { leaking: { ...leaking, ...unset, ...cut }, holding })
