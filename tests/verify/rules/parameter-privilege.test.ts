import { ruleCase } from '../rule-case.ts'

ruleCase('parameter-privilege', {
  hole: `grant set on parameter session_replication_role to {app};`,
  object: `parameter session_replication_role`,
  severity: 'high',
  repaired: `revoke set on parameter session_replication_role from {app};`,
  nearMisses: {
    'row_security is harmless': `grant set on parameter row_security to {app};`,
    'another role may': `grant set on parameter session_replication_role to {loader};`,
  },
})
