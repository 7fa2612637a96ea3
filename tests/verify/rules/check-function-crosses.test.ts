import { ruleCase } from '../rule-case.ts'

ruleCase('check-function-crosses', {
  object: 'public.documents',
  severity: 'medium',
  hole: `create function title_taken(t text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = t) $$; alter table documents add constraint free_title check (not title_taken(title)); revoke execute on function title_taken(text) from public; grant execute on function title_taken(text) to {app};`,
  repaired: `create function title_taken(t text) returns boolean language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$ select exists (select 1 from public.documents where title = t and tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid) $$; alter table documents add constraint free_title check (not title_taken(title)); revoke execute on function title_taken(text) from public; grant execute on function title_taken(text) to {app};`,
  nearMisses: {
    'it looks at the row alone': `alter table documents add constraint has_title check (title <> '');`,
  },
})
