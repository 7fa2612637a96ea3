import { ruleCase } from '../rule-case.ts'

ruleCase('role-predefined', {
  hole: `grant pg_read_all_data to {app};`,
  object: `role {app}`,
  severity: 'high',
  repaired: `revoke pg_read_all_data from {app};`,
  nearMisses: {
    'another role is a member': `grant pg_read_all_data to {backup};`,
  },
})

ruleCase('role-predefined', {
  hole: `grant pg_write_server_files to {files}; grant {files} to {app};`,
  object: `role {app}`,
  severity: 'critical',
  proof: 'static',
  repaired: `grant pg_checkpoint to {app};`,
  nearMisses: {},
})
