import { ruleCase } from '../rule-case.ts'

ruleCase('role-replication', {
  hole: `alter role {app} replication;`,
  object: `role {app}`,
  severity: 'critical',
  proof: 'static',
  repaired: `alter role {app} noreplication;`,
  nearMisses: {
    'another role replicates': `alter role {cdc} replication;`,
  },
})
