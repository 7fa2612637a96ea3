import express from 'express'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Logger } from '../../src/logger/logger.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { tenantContextMiddleware } from '../../src/middleware/tenant-context.ts'
import { tenantErrorHandler } from '../../src/middleware/tenant-error-handler.ts'
import type { Partywall, PartywallConfig } from '../../src/partywall.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from '../setup/database.ts'
import type { TestIssuer } from '../setup/issuer.ts'
import { createTestWall, serve } from '../setup/wall.ts'

type Line = Readonly<Record<string, unknown>>

/** A wall whose warnings are collected, and an app with one route for owners alone. */
async function start(database: TestDatabase, changes: Partial<PartywallConfig> = {}) {
  const lines: Line[] = []
  const logger: Logger = { ...silentLogger, warn: (fields, message) => lines.push({ ...fields, message }) }
  const { wall, issuer } = await createTestWall(database, {
    access: { roles: { owner: ['*'], viewer: ['documents:read'] } },
    failedTokens: false,
    logger,
    ...changes,
  })
  const app = express()
  app.use(tenantContextMiddleware(wall))
  app.get('/owners', (_request, response) => {
    wall.access?.requirePermission('documents:delete')
    response.end()
  })
  app.get('/', (_request, response) => {
    response.end()
  })
  app.use(tenantErrorHandler())
  return { base: await serve(app), lines, wall, issuer }
}

describe('the log of refusals', () => {
  let database: TestDatabase
  let tenant: TestTenant
  let other: TestTenant
  let base: string
  let lines: Line[]
  let wall: Partywall
  let issuer: TestIssuer

  beforeAll(async () => {
    database = await createTestDatabase()
    tenant = await createTestTenant(database)
    other = await createTestTenant(database)
    ;({ base, lines, wall, issuer } = await start(database))
  })

  const token = (claims: Readonly<Record<string, unknown>> = {}) =>
    issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, roles: ['viewer'], ...claims } })
  async function ask(bearer: string, path = '/', headers: Readonly<Record<string, string>> = {}, to = base) {
    const answer = await fetch(to + path, { headers: { authorization: `Bearer ${bearer}`, ...headers } })
    return answer.status
  }

  it('has one line for each refusal with its reason, what would fix it and who was refused', async () => {
    const now = Math.floor(Date.now() / 1000)
    expect(await ask(await token({ iat: now, exp: now + 7 * 86_400 }))).toBe(401)
    expect(lines.splice(0)).toEqual([
      {
        type: 'AUTHENTICATION_FAILED',
        reason: 'lifetime',
        cure: expect.stringContaining('maxLifetimeSeconds'),
        claim: 'exp',
        fact: 'the token is valid for 7 days, the limit is 24 h',
        clientAddress: expect.any(String),
        requestId: expect.any(String),
        message: 'a request was refused (lifetime: the token is valid for 7 days, the limit is 24 h)',
      },
    ])
    expect(await ask(await token({ org_id: 'nobody' }))).toBe(403)
    expect(lines.splice(0)).toMatchObject([{ type: 'TENANT_REFUSED', reason: 'unknown', userId: tenant.userId }])
    expect(await ask(await token(), '/owners')).toBe(403)
    expect(lines.splice(0)).toMatchObject([
      { reason: 'permission', cure: expect.stringContaining('documents:delete'), tenantId: tenant.id },
    ])
    expect(await ask(await token(), '/', { 'x-tenant-id': other.id })).toBe(403)
    expect(lines.splice(0)).toMatchObject([{ reason: 'cross-tenant', tenantId: tenant.id }])
  })

  it('holds no token, no claim’s value and no id of another tenant', async () => {
    const fresh = await start(database)
    const sign = (claims: Readonly<Record<string, unknown>>) =>
      fresh.issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, ...claims } })
    const secret = 'a-value-of-a-claim-that-nobody-may-read'
    const bad = [await sign({ aud: secret }), await sign({ iss: `https://${secret}` }), await sign({ org_id: secret })]
    for (const bearer of [...bad, secret, `${await sign({})}x`]) {
      expect(await ask(bearer, '/', {}, fresh.base)).toBeGreaterThanOrEqual(401)
      expect(JSON.stringify(fresh.lines)).not.toContain(bearer.slice(-20))
    }
    await ask(await sign({}), '/', { 'x-tenant-id': other.id }, fresh.base)
    expect(fresh.lines).toHaveLength(6)
    expect(JSON.stringify(fresh.lines)).not.toContain(secret)
    expect(JSON.stringify(fresh.lines)).not.toContain(other.id)
    for (const line of fresh.lines) expect(line['cure'], String(line['reason'])).toEqual(expect.any(String))
  })

  it('counts the repeats of a source, and tells reasons and users apart', async () => {
    const folding = await start(database)
    const repeat = async (claims: Readonly<Record<string, unknown>>, times: number) => {
      const bearer = await folding.issuer.sign({ claims: { org_id: tenant.key, sub: tenant.userId, ...claims } })
      for (let n = 0; n < times; n++) await fetch(folding.base, { headers: { authorization: `Bearer ${bearer}` } })
    }
    await repeat({ aud: 'another' }, 5)
    await repeat({ org_id: 'nobody' }, 3)
    await repeat({ org_id: 'nobody', sub: 'somebody-else' }, 1)
    expect(folding.lines.map(({ reason, count }) => [reason, count])).toEqual([
      ['audience', undefined],
      ['unknown', undefined],
      ['unknown', undefined],
    ])
    await folding.wall.close()
    expect(folding.lines.slice(3).map(({ reason, count }) => [reason, count])).toEqual([
      ['audience', 4],
      ['unknown', 2],
    ])
  })

  it('stays within its lines when every refusal has another source', () => {
    const before = lines.length
    for (let n = 0; n < 5_000; n++)
      wall.events.emit({
        type: 'AUTHENTICATION_FAILED',
        reason: 'expired',
        clientAddress: `2001:db8::${n.toString(16)}`,
      })
    expect(lines.length - before).toBeLessThanOrEqual(200)
  })

  it('is silent where it was switched off', async () => {
    const silent = await start(database, { refusalLog: false })
    await fetch(silent.base)
    expect(silent.lines).toEqual([])
  })
})
