import { ruleCase } from '../rule-case.ts'

ruleCase('escape-builtin-granted', {
  hole: `grant execute on function pg_read_file(text) to {app};`,
  object: `pg_read_file(text)`,
  severity: 'critical',
  proof: 'static',
  repaired: `revoke execute on function pg_read_file(text) from {app};`,
  nearMisses: {
    'another role may': `grant execute on function pg_read_file(text) to {backup};`,
  },
})
