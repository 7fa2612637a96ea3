import { ruleCase } from '../rule-case.ts'

ruleCase('query-text-visible', {
  hole: `create extension pg_stat_statements;`,
  object: `public.pg_stat_statements`,
  severity: 'low',
  proof: 'static',
  repaired: `create extension pg_stat_statements; revoke select on pg_stat_statements from public;`,
  nearMisses: {},
})
