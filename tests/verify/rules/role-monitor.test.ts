import { ruleCase } from '../rule-case.ts'

ruleCase('role-monitor', {
  hole: `grant pg_monitor to {app};`,
  object: `role {app}`,
  severity: 'medium',
  repaired: `revoke pg_monitor from {app};`,
  nearMisses: {
    'a monitoring role has it': `grant pg_monitor to {metrics};`,
  },
})
