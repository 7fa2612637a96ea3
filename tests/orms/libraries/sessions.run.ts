// Sessions of better-auth and Auth.js as credentials of `auth.verify`: the recipes of docs/auth.md, against the libraries.
import PostgresAdapter from '@auth/pg-adapter'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { bearer, organization } from 'better-auth/plugins'
import pg from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OwnVerifierOptions } from '../../../src/auth/own-verifier.ts'
import { silentLogger } from '../../../src/logger/logger.ts'
import { createPartywall, type Partywall } from '../../../src/partywall.ts'
import { afterFile } from '../../setup/after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../../setup/database.ts'

let database: TestDatabase
let plain: pg.Pool
let a: TestTenant
let b: TestTenant
beforeAll(async () => {
  database = await createTestDatabase()
  a = await createTestTenant(database)
  b = await createTestTenant(database)
  await database.admin('create schema login')
  plain = new pg.Pool({ connectionString: database.adminUrl, max: 3, options: '-c search_path=login' })
  afterFile(() => plain.end())
})

function wallOn(auth: OwnVerifierOptions): Partywall {
  const wall = createPartywall({
    database: { url: database.appUrl, max: 3 },
    seal: { secret: database.sealSecret },
    auth,
    logger: silentLogger,
  })
  afterFile(() => wall.close({ timeoutMs: 2_000 }))
  return wall
}

const titles = (wall: Partywall, token: string | undefined) =>
  wall
    .handle(
      new Request('http://x/', { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
      {},
      async ({ tenantId, userId, roles }) => {
        const { rows } = await wall.pool.query('select count(*)::int as n from documents')
        return Response.json({ tenantId, userId, roles, n: rows[0].n })
      },
    )
    .then(async (answer) => ({ status: answer.status, body: await answer.json() }))

describe('better-auth with its plugin organization', () => {
  function makeAuth() {
    return betterAuth({
      database: plain,
      secret: 'a secret of more than 32 characters for sessions',
      baseURL: 'http://127.0.0.1:3000',
      emailAndPassword: { enabled: true },
      plugins: [organization(), bearer()],
      telemetry: { enabled: false },
      logger: { disabled: true },
    })
  }
  let auth: ReturnType<typeof makeAuth>
  let wall: Partywall

  /** The recipe: a session without an active organization has no tenant. */
  const verify: OwnVerifierOptions['verify'] = async (credential) => {
    const headers = new Headers({ authorization: `Bearer ${credential}` })
    const found = await auth.api.getSession({ headers })
    if (found === null) return undefined
    const { activeOrganizationId } = found.session
    if (typeof activeOrganizationId !== 'string') return undefined
    const member = await auth.api.getActiveMember({ headers })
    return (
      member && {
        tenant: activeOrganizationId,
        userId: found.user.id,
        roles: member.role.split(','),
        credentialId: found.session.id,
        issuedAt: found.session.createdAt,
        expiresAt: found.session.expiresAt,
      }
    )
  }

  beforeAll(async () => {
    auth = makeAuth()
    await (await getMigrations(auth.options)).runMigrations()
    wall = wallOn({ verify })
  })

  /** Signs a new user up, who owns an organization with the tenant's key. @returns the session's token */
  async function signUp(
    name: string,
    tenant: TestTenant,
  ): Promise<{ token: string; organizationId: string; userId: string }> {
    const { headers, response } = await auth.api.signUpEmail({
      body: { name, email: `${name}@example.com`, password: 'a long password' },
      returnHeaders: true,
    })
    const token = headers.get('set-auth-token') ?? response.token ?? ''
    const own = new Headers({ authorization: `Bearer ${token}` })
    const made = await auth.api.createOrganization({ body: { name, slug: name }, headers: own })
    const organizationId = made?.id ?? ''
    await database.admin('update tenants set key = $1 where id = $2', [organizationId, tenant.id])
    await auth.api.setActiveOrganization({ body: { organizationId }, headers: own })
    return { token, organizationId, userId: response.user.id }
  }

  it('serves the active organization, and follows its change, the end of the membership and the logout', async () => {
    const [ann, ben] = [await signUp('ann', a), await signUp('ben', b)]
    expect(await titles(wall, ann.token)).toEqual({
      status: 200,
      body: { tenantId: a.id, userId: ann.userId, roles: ['owner'], n: 1 },
    })
    expect(await titles(wall, ben.token)).toMatchObject({ body: { tenantId: b.id } })
    // Ann can't make another organization hers by naming it.
    const headers = new Headers({ authorization: `Bearer ${ann.token}` })
    await auth.api
      .setActiveOrganization({ body: { organizationId: ben.organizationId }, headers })
      .catch(() => undefined)
    const after = await titles(wall, ann.token)
    expect(after.body.tenantId).not.toBe(b.id)
    await plain.query('delete from member where "userId" = $1', [ann.userId])
    const fresh = wallOn({ verify })
    expect(await titles(fresh, ann.token)).toMatchObject({ status: 401 })
    await auth.api.signOut({ headers: new Headers({ authorization: `Bearer ${ben.token}` }) })
    expect(await titles(fresh, ben.token)).toMatchObject({ status: 401, body: { code: 'PARTYWALL_AUTHENTICATION' } })
    expect(await titles(wall, 'not.a.session')).toMatchObject({ status: 401 })
    expect(await titles(wall, undefined)).toMatchObject({ status: 401 })
  })

  it('has a session revoked in all processes at once', async () => {
    const cleo = await signUp('cleo', a)
    expect((await titles(wall, cleo.token)).status).toBe(200)
    const found = await auth.api.getSession({ headers: new Headers({ authorization: `Bearer ${cleo.token}` }) })
    await wall.revokeToken(found?.session.id ?? '')
    expect((await titles(wall, cleo.token)).status).toBe(401)
  })
})

describe('Auth.js with database sessions', () => {
  let wall: Partywall
  let adapter: ReturnType<typeof PostgresAdapter>

  /** The recipe: Auth.js knows no tenant, so a column of its table of users does. */
  const verify: OwnVerifierOptions['verify'] = async (credential) => {
    const found = await adapter.getSessionAndUser?.(credential)
    if (!found) return undefined
    const { rows } = await plain.query('select tenant_key from users where id = $1', [found.user.id])
    return { tenant: rows[0]?.tenant_key, userId: String(found.user.id), expiresAt: found.session.expires }
  }

  beforeAll(async () => {
    // As https://authjs.dev/getting-started/adapters/pg lists the columns.
    await plain.query(`
      create table users (id serial primary key, name text, email text, "emailVerified" timestamptz, image text, tenant_key text);
      create table sessions (id serial primary key, "userId" integer not null, expires timestamptz not null, "sessionToken" text not null)`)
    adapter = PostgresAdapter(plain)
    wall = wallOn({ verify })
  })

  it('serves the tenant of the user, and refuses an expired session', async () => {
    await plain.query('insert into users (id, name, tenant_key) values (1, $1, $2), (2, $1, null)', [
      'dan',
      (await database.admin('select key from tenants where id = $1', [b.id])).rows[0].key,
    ])
    const session = (userId: number, sessionToken: string, minutes: number) =>
      adapter.createSession?.({
        userId: String(userId),
        sessionToken,
        expires: new Date(Date.now() + minutes * 60_000),
      })
    await session(1, 'token-of-dan', 5)
    await session(1, 'old-token-of-dan', -5)
    await session(2, 'token-without-tenant', 5)
    expect(await titles(wall, 'token-of-dan')).toMatchObject({
      status: 200,
      body: { tenantId: b.id, userId: '1', n: 1 },
    })
    for (const token of ['old-token-of-dan', 'token-without-tenant', 'token-of-nobody'])
      expect(await titles(wall, token)).toMatchObject({ status: 401 })
  })
})
