import { sealedRow } from '../../src/seal/policy-text.ts'

/** A table as `protect --seal` writes it. Without a seal no row is in reach. */
export const sealedPapers = (
  app: string,
) => `do $$ begin if not exists (select from pg_roles where rolname = '${app}') then create role ${app} login; end if; end $$;
  grant tenant_user, tenant_admin to ${app};
  create table firms (id int primary key); create table papers (id int primary key, firm_id int not null references firms (id), body text);
  create index on papers (firm_id); alter table papers enable row level security; alter table papers force row level security;
  grant select, insert, update, delete on papers to tenant_user, tenant_admin;
  create policy own on papers using (firm_id = (select nullif(current_setting('app.current_tenant_id', true), '')::int));
  create policy seal on papers as restrictive using (${sealedRow('firm_id', 'integer')});`
