import { HOLDING, ruleCase } from '../rule-case.ts'

ruleCase('unwalled-secrets', {
  hole: `create table people (id uuid primary key default gen_random_uuid(), login text not null, password_hash text not null);
    alter table people owner to {owner}; grant select on people to {app};`,
  repaired: `create table people (id uuid primary key default gen_random_uuid(), login text not null, password_hash text not null);
    alter table people owner to {owner}; grant select (id, login) on people to {app};`,
  nearMisses: {
    'a hash of the content, and a count of tokens': `
      create table prompts (id int primary key, content_hash text not null, token_count int, max_tokens int, token_type text, password_changed_at timestamptz);
      alter table prompts owner to {owner}; grant select on prompts to {app};`,
    'the tokens of a text': `
      create table vocabulary (token text primary key, frequency int not null);
      alter table vocabulary owner to {owner}; grant select on vocabulary to {app};`,
    'nobody in reach reads it': `
      create table people (id uuid primary key default gen_random_uuid(), login text not null, password_hash text not null);
      alter table people owner to {owner}; grant select on people to {staff};`,
  },
  object: 'public.people',
  severity: 'high',
  proof: 'static',
})

ruleCase('unwalled-secrets', {
  name: 'tokens of sessions',
  base: HOLDING,
  hole: `create table "userSession" (id text primary key, "expiresAt" timestamptz not null, token text not null, "userId" text not null);
    alter table "userSession" owner to {owner}; grant select on "userSession" to {app};`,
  repaired: `create table "userSession" (id text primary key, "expiresAt" timestamptz not null, token text not null, "userId" text not null);
    alter table "userSession" owner to {owner}; alter table "userSession" enable row level security;
    create policy mine on "userSession" using ("userId" = (select current_setting('app.user_id', true))); grant select on "userSession" to {app};`,
  nearMisses: {},
  object: 'public.userSession',
  severity: 'high',
  proof: 'static',
})

ruleCase('unwalled-secrets', {
  name: 'addresses of people',
  hole: `create table people (id uuid primary key default gen_random_uuid(), email text not null);
    alter table people owner to {owner}; grant select on people to {app};`,
  repaired: `create table people (id uuid primary key default gen_random_uuid(), email text not null);
    alter table people owner to {owner}; grant select (id) on people to {app};`,
  nearMisses: {},
  object: 'public.people',
  severity: 'medium',
  proof: 'static',
})
