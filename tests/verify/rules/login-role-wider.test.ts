import { describe, expect, it } from 'vitest'
import type { Role } from '../../../src/catalog/model.ts'
import { withoutInheritance } from '../../../src/verify/rules/login-role-wider.ts'
import { HOLDING, openCase, ruleCase, withCase } from '../rule-case.ts'

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

ruleCase('login-role-wider', {
  name: 'over a role in between',
  // Its comments tell how to make another login; what can be run takes the way to the wide role.
  hole: `alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; grant {wide} to {middle}; grant {middle} to {backend}; alter role {wide} bypassrls;`,
  object: `role {backend}`,
  severity: 'high',
  proof: 'static',
  repaired: `alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; grant {middle} to {backend};`,
  nearMisses: {},
})

describe('the fix of login-role-wider', () => {
  const login = { oid: 1, name: 'we ird' } as Role
  const app = { oid: 2, name: 'app' } as Role
  const catalog = (serverVersion: number) => ({
    serverVersion,
    roles: new Map([login, app].map((role) => [role.oid, role])),
    memberships: [{ member: login.oid, role: app.oid, inherit: true, set: true, admin: false }],
  })

  it('is the attribute up to PostgreSQL 15, and the membership from 16 on', () => {
    expect(withoutInheritance(catalog(150_018), login, login)).toEqual(['ALTER ROLE "we ird" NOINHERIT;'])
    expect(withoutInheritance(catalog(160_000), login, login)).toEqual(['GRANT app TO "we ird" WITH INHERIT FALSE;'])
  })

  it('leaves the login no right of the app’s role, and SET ROLE', async () => {
    const opened = await openCase([
      HOLDING,
      `alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; alter role {backend} bypassrls;`,
    ])
    try {
      const [backend, app] = [opened.role('backend'), opened.role('app')]
      const asks = `select pg_has_role('${backend}', '${app}', 'usage') as usage, pg_has_role('${backend}', '${app}', 'set') as set`
      expect(await opened.query(asks)).toEqual([{ usage: true, set: true }])
      const { findings } = await opened.verify({ mode: 'static' })
      const fix = findings.find(({ rule }) => rule === 'login-role-wider')?.fix ?? ''
      // A person has decided that the jobs bear it.
      const decided = fix.replaceAll(/^-- +(GRANT .* WITH INHERIT FALSE;)$/gm, '$1')
      for (const _ of ['once', 'again']) await opened.run(decided)
      expect(await opened.query(asks)).toEqual([{ usage: false, set: true }])
    } finally {
      await opened.close()
    }
  })

  it('says what the login loses, and leaves NOINHERIT to a person', async () => {
    await withCase(
      [
        `${HOLDING} alter role {app} nologin; alter role {backend} login; grant {app} to {backend}; alter role {jobs} bypassrls; grant {jobs} to {backend};`,
      ],
      async (verify) => {
        const { findings } = await verify({ mode: 'static' })
        const fix = findings.find((finding) => finding.rule === 'login-role-wider')?.fix ?? ''
        expect(fix).toMatch(/^-- Sessions and jobs of \S+ can no longer become \S+:\nREVOKE \S+ FROM \S+;$/m)
        expect(fix).toMatch(/^-- \S+ inherits rights from its roles/m)
        expect(fix).not.toMatch(/^(?:ALTER ROLE|GRANT)/m)
      },
    )
  })
})
