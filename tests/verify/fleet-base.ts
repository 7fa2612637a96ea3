/** Two tenants with a schema each, held by policies that compare a constant. Cases of rules about such schemas stand on it. */
export const FLEET = `
  create schema shop_fox authorization {owner}; create schema shop_owl authorization {owner};
  create table shop_fox.notes (id int primary key, note text not null); create table shop_owl.notes (id int primary key, note text not null);
  insert into shop_fox.notes values (1, 'of fox'); insert into shop_owl.notes values (1, 'of owl');
  alter table shop_fox.notes owner to {owner}; alter table shop_owl.notes owner to {owner};
  alter table shop_fox.notes enable row level security, force row level security;
  alter table shop_owl.notes enable row level security, force row level security;
  create policy own_schema on shop_fox.notes using (${own('fox')}) with check (${own('fox')});
  create policy own_schema on shop_owl.notes using (${own('owl')}) with check (${own('owl')});
  grant usage on schema shop_fox, shop_owl to {app};
  grant select, insert, update, delete on shop_fox.notes, shop_owl.notes to {app};`

/** The condition that the context is this tenant. */
export function own(tenant: string): string {
  return `(select nullif(current_setting('app.tenant_id', true), '')) = '${tenant}'`
}
