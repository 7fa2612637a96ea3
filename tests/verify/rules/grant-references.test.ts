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
