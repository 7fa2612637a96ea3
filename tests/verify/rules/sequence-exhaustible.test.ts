import { ruleCase } from '../rule-case.ts'

const CONTEXT = `(select nullif(current_setting('app.tenant_id', true), '')::int)`
const BILLS = (id: string, rest = '') => `
  create table firms (id int primary key);
  create table bills (id ${id}, firm_id int not null references firms (id), title text not null, primary key (firm_id, id));
  alter table firms owner to {owner}; alter table bills owner to {owner};
  alter table bills enable row level security, force row level security;
  create policy own on bills using (firm_id = ${CONTEXT});
  grant select, insert on bills to {app}; ${rest}`
const USAGE = 'grant usage on sequence bills_id_seq to {app};'

for (const [name, hole] of Object.entries({
  'a serial column': BILLS('serial', USAGE),
  'an identity with a right that nobody needs': BILLS('int generated always as identity', USAGE),
}))
  ruleCase('sequence-exhaustible', {
    name,
    base: '',
    hole,
    repaired: BILLS('int generated always as identity'),
    nearMisses: {
      'a sequence that no loop ends': BILLS('bigserial', USAGE),
      'a sequence that holds nothing of a tenant': `${BILLS('int generated always as identity')} create sequence drawn as int; grant usage on sequence drawn to {app};`,
    },
    object: 'public.bills_id_seq',
    severity: 'low',
    proof: 'static',
  })

const SIGN_UP = (grants: string) => `
  create table firms (id serial primary key, name text); create table members (id serial primary key, name text);
  create table bills (id int generated always as identity, firm_id int not null references firms (id), primary key (firm_id, id));
  alter table firms owner to {owner}; alter table members owner to {owner}; alter table bills owner to {owner};
  alter table bills enable row level security, force row level security;
  create policy own on bills using (firm_id = ${CONTEXT}); grant select on bills to {app}; ${grants}`

for (const [name, sequence] of Object.entries({
  'the table of tenants': 'firms_id_seq',
  'a table without a tenant': 'members_id_seq',
}))
  ruleCase('sequence-exhaustible', {
    name: `${name}, into which the application may not insert`,
    base: '',
    hole: SIGN_UP(`grant usage, select on sequence ${sequence} to {app};`),
    repaired: SIGN_UP(''),
    nearMisses: { 'it may only read the sequence': SIGN_UP(`grant select on sequence ${sequence} to {app};`) },
    object: `public.${sequence}`,
    severity: 'low',
    proof: 'static',
  })
