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

ruleCase('schema-owned-by-app', {
  name: 'the database',
  // Without its name, which differs between test and production: a baseline of one must hold in the other.
  object: 'database',
  severity: 'high',
  proof: 'static',
  hole: `do $$ begin execute format('alter database %I owner to {app}', current_database()); end $$;`,
  repaired: `select 1;`,
  nearMisses: {},
})
