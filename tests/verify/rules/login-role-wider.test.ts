import { ruleCase } from '../rule-case.ts'

ruleCase('login-role-wider', {
  // A login for the application is made by a person: taking powers away breaks other work of the role.
  fixMends: false,
  hole: `alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; alter role {backend} bypassrls;`,
  object: `role {backend}`,
  severity: 'high',
  repaired: `alter role {app} nologin; alter role {backend} login; grant {app} to {backend};`,
  nearMisses: {
    'the wide login administers an app that logs in itself': `alter role {admin} login bypassrls; grant {app} to {admin};`,
    'a narrow login is there, and the owner may become the app too': `alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; alter role {owner} login; grant {app} to {owner};`,
  },
})
