import { ruleCase } from '../rule-case.ts'

ruleCase('grant-references', {
  hole: `grant references on documents to {app}; grant create on schema public to {app};`,
  object: `public.documents`,
  severity: 'medium',
  repaired: `grant create on schema public to {app};`,
  nearMisses: {
    'another role may': `grant references on documents to {builder};`,
  },
  beside: { repaired: { rule: 'schema-create', because: 'only the app’s own tables can have such a key' } },
})

ruleCase('grant-references', {
  name: 'an app that can make no table yet',
  hole: `grant references on documents to {app};`,
  object: `public.documents`,
  severity: 'medium',
  proof: 'static',
  repaired: ``,
  nearMisses: {
    'on a lookup': `create table units (code text primary key); grant select, references on units to {app};`,
  },
})
