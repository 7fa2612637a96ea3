import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTokenVerifier } from '../../src/auth/jwt.ts'
import type { Authorize } from '../../src/auth/membership.ts'
import { createSecurityEvents, type SecurityEvent } from '../../src/events/security-events.ts'
import { startIssuer, type TestIssuer } from '../setup/issuer.ts'

let idp: TestIssuer
beforeAll(async () => {
  idp = await startIssuer()
})
afterAll(() => idp.close())

const tenant = { id: 'canonical-a', tier: 'pro' }

async function ask(authorize: Authorize | undefined, seen: SecurityEvent[] = []) {
  const events = createSecurityEvents()
  events.on('*', (event) => seen.push(event))
  const verifier = createTokenVerifier({ ...idp.localOptions(), authorize, authorizeTimeoutMs: 50, events })
  await verifier.authorize(await verifier.verifyToken(await idp.sign()), tenant, { requestId: 'r-1' })
}

const inactive = { code: 'PARTYWALL_TENANT_INACTIVE', status: 403 }
const down = { code: 'PARTYWALL_DEPENDENCY_UNAVAILABLE', status: 503 }

describe('authorize', () => {
  it('is asked with the user, the claims and the tenant of the directory', async () => {
    const questions: unknown[] = []
    await ask((question) => {
      questions.push(question)
      return true
    })
    expect(questions).toMatchObject([{ userId: 'user-1', issuer: idp.issuer, tenant, claims: { org_id: 'tenant-a' } }])
  })

  it('is not needed', async () => {
    await expect(ask(undefined)).resolves.toBeUndefined()
  })

  it('refuses whoever is no longer a member, and reports it', async () => {
    const seen: SecurityEvent[] = []
    await expect(ask(() => false, seen)).rejects.toMatchObject(inactive)
    expect(seen).toEqual([
      { type: 'TENANT_REFUSED', reason: 'not-a-member', tenantId: 'canonical-a', userId: 'user-1', requestId: 'r-1' },
    ])
  })

  it.each([
    ['a truthy text', 'yes'],
    ['one', 1],
    ['nothing', undefined],
    ['an object', {}],
  ])('takes %s for a refusal', async (_, answer) => {
    // JavaScript callers return what they like.
    const authorize: Authorize = () => Reflect.get(Object({ answer }), 'answer')
    await expect(ask(authorize)).rejects.toMatchObject(inactive)
  })

  it('refuses with 503 when the hook throws, rejects or never answers', async () => {
    const throws: Authorize = () => {
      throw new Error('x')
    }
    await expect(ask(throws)).rejects.toMatchObject(down)
    await expect(ask(() => Promise.reject(new Error('x')))).rejects.toMatchObject(down)
    await expect(ask(() => new Promise(() => {}))).rejects.toMatchObject(down)
  })

  it('is asked anew for each request', async () => {
    let asked = 0
    const verifier = createTokenVerifier({
      ...idp.localOptions(),
      authorize: () => {
        asked++
        return asked === 1
      },
    })
    const token = await verifier.verifyToken(await idp.sign())
    await verifier.authorize(token, tenant)
    await expect(verifier.authorize(token, tenant)).rejects.toMatchObject(inactive)
  })
})
