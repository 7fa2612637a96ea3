import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

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

describe('the fix of login-role-wider', () => {
  it('says what the login loses, and leaves NOINHERIT to a person', async () => {
    await withCase(
      [
        `${HOLDING} alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; alter role {jobs} bypassrls; grant {jobs} to {backend};`,
      ],
      async (verify) => {
        const { findings } = await verify({ mode: 'static' })
        const fix = findings.find((finding) => finding.rule === 'login-role-wider')?.fix ?? ''
        expect(fix).toMatch(/^-- Sessions and jobs of \S+ can no longer become \S+:\nREVOKE \S+ FROM \S+;$/m)
        expect(fix).toMatch(/loses the rights that it inherits/)
        expect(fix).not.toMatch(/^ALTER ROLE/m)
      },
    )
  })
})
