import { ruleCase } from '../rule-case.ts'

ruleCase('role-second-login', {
  // A login for the application is made by a person: taking powers away breaks other work of the role.
  fixMends: false,
  hole: `alter role {jobs} login bypassrls; grant select, update on documents to {jobs};`,
  repaired: `alter role {jobs} login nobypassrls; grant select, update on documents to {jobs};`,
  nearMisses: {
    'nobody logs in as it': `alter role {jobs} nologin bypassrls; grant select on documents to {jobs};`,
    'it was granted no table of tenants': `alter role {jobs} login bypassrls;`,
  },
  object: 'role {jobs}',
  severity: 'medium',
  proof: 'static',
})
