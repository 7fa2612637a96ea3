import { ruleCase } from '../rule-case.ts'

ruleCase('stats-visible', {
  hole: `grant select on pg_statistic to {app};`,
  object: `pg_catalog.pg_statistic`,
  severity: 'medium',
  repaired: `revoke select on pg_statistic from {app};`,
  nearMisses: {
    'another role reads it': `grant select on pg_statistic to {metrics};`,
  },
})
