import { ruleCase } from '../rule-case.ts'

ruleCase('schema-owned-by-app', {
  object: 'schema crm',
  severity: 'high',
  hole: `create schema crm authorization {app};`,
  repaired: `create schema crm authorization {owner};`,
  nearMisses: {
    'the app may use it and create nothing': `create schema crm; grant usage on schema crm to {app};`,
  },
})
