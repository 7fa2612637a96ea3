// Attacks on authentication: forged, expired and foreign tokens, spoofed hints, suspended tenants.
import { createHmac, generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { type Attack, type AttackGroup, outcome } from '../attack.ts'
import type { Stage } from '../stage.ts'

const lines = ['completed-context-middleware', 'security-no-leak'] as const
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

async function claims(stage: Stage, changes: Readonly<Record<string, unknown>> = {}) {
  const now = Math.floor(Date.now() / 1000)
  const { issuer: iss, audience: aud } = stage.kit.env
  const base = { iss, aud, iat: now, exp: now + 300, jti: randomUUID(), roles: ['owner'] }
  return { ...base, sub: stage.b.helper.userId, org_id: stage.b.helper.key, ...changes }
}

function token(
  id: string,
  title: string,
  make: (stage: Stage) => Promise<string | null>,
  layer?: 'token-check',
): Attack {
  return {
    id,
    title,
    lines,
    ...(layer === undefined ? {} : { layer }),
    async run(stage) {
      const { status, text } = await stage.a.api.get('/documents', { token: await make(stage) })
      const leaked = text.includes(stage.b.secret) || text.includes(stage.b.documentId)
      return outcome(status === 401 && !leaked, `${status}${leaked ? ', rows of Globex' : ''}`)
    },
  }
}

function hint(id: string, title: string, path: string, headers: (stage: Stage) => Record<string, string>): Attack {
  return {
    id,
    title,
    lines,
    async run(stage) {
      const { status, text } = await stage.a.api.get(path, { headers: headers(stage) })
      const leaked = text.includes(stage.b.secret) || text.includes(stage.b.documentId)
      return outcome(!leaked, `${status}, nothing of Globex`)
    },
  }
}

export const tokens: AttackGroup = {
  title: 'Who is asking',
  attacks: [
    token(
      'token-forged',
      'a token of Globex signed with another key',
      async (stage) => {
        const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
        const genuine = (await stage.b.helper.token()).split('.')
        const body = `${genuine[0]}.${encode(await claims(stage))}`
        return `${body}.${sign('sha256', Buffer.from(body), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
      },
      'token-check',
    ),
    token('token-swapped', "Acme's signature under the claims of Globex", async (stage) => {
      const [header, , signature] = (await stage.a.helper.token()).split('.')
      return `${header}.${encode(await claims(stage))}.${signature}`
    }),
    token(
      'token-none',
      'alg none',
      async (stage) => `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(await claims(stage))}.`,
    ),
    token('token-hmac', 'HS256 with the public key as the secret', async (stage) => {
      const body = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(await claims(stage))}`
      const secret = JSON.stringify(stage.kit.env.auth.keys.jwks.keys[0])
      return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
    }),
    token('token-expired', 'an expired token of Globex', (stage) =>
      stage.b.helper.token({ expiresInSeconds: -3600, claims: { iat: Math.floor(Date.now() / 1000) - 7200 } }),
    ),
    token('token-issuer', 'a token of a foreign issuer', (stage) =>
      stage.b.helper.token({ claims: { iss: 'https://elsewhere.example/' } }),
    ),
    token('token-audience', 'a token for another service', (stage) =>
      stage.b.helper.token({ claims: { aud: 'https://elsewhere.example/api' } }),
    ),
    token('token-future', 'a token that is not valid yet', (stage) =>
      stage.b.helper.token({ claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }),
    ),
    token('token-no-tenant', 'a token without a tenant', (stage) =>
      stage.b.helper.token({ claims: { org_id: undefined } }),
    ),
    token('token-missing', 'no token', async () => null),
    token('token-garbage', 'bytes in place of a token', async () => 'AAAA.BBBB.CCCC'),
    hint('spoof-header', 'X-Tenant-Id of Globex with a token of Acme', '/documents', ({ b }) => ({
      'x-tenant-id': b.helper.key,
    })),
    hint('spoof-host', 'X-Forwarded-Host of Globex', '/documents', ({ b }) => ({
      'x-forwarded-host': `${b.helper.key}.app.example`,
    })),
    hint('spoof-query', '?tenant_id= of Globex', '/documents?tenant=globex', () => ({})),
    {
      id: 'tenant-suspended',
      title: 'a suspended tenant with a valid token',
      layer: 'directory',
      lines,
      async run({ newTenant }) {
        const initech = await newTenant('Initech', { role: 'owner' })
        const before = (await initech.api.get('/documents')).status
        await initech.suspend()
        // From one second after the suspension committed no request succeeds.
        await new Promise((resolve) => setTimeout(resolve, 1_000))
        const after = (await initech.api.get('/documents')).status
        return outcome(before === 200 && after === 403, `${before} before, ${after} after`)
      },
    },
    {
      id: 'token-stale-member',
      title: 'a token that is still valid, of a user who left the tenant',
      layer: 'token-check',
      lines,
      async run({ newTenant, admin }) {
        const vandelay = await newTenant('Vandelay', { role: 'owner' })
        const before = (await vandelay.api.get('/documents')).status
        await admin('delete from users where tenant_id = $1 and id = $2', [vandelay.tenantId, vandelay.userId])
        const after = (await vandelay.api.get('/documents')).status
        return outcome(before === 200 && after === 403, `${before} before, ${after} after the user left`)
      },
    },
    {
      id: 'token-stale-role',
      title: 'a token that is still valid, of an owner who is a viewer now',
      layer: 'token-check',
      lines,
      async run({ newTenant, admin }) {
        const hooli = await newTenant('Hooli', { role: 'owner' })
        const made = await hooli.api.post('/documents', { title: 'as an owner' })
        await admin("update users set role = 'viewer' where tenant_id = $1 and id = $2", [hooli.tenantId, hooli.userId])
        const remove = await hooli.api.delete(`/documents/${String(made.body?.id)}`)
        const asViewer = await hooli.api.get('/documents', { token: await hooli.token({ roles: ['viewer'] }) })
        const { rowCount } = await admin('select from documents where tenant_id = $1', [hooli.tenantId])
        return outcome(
          made.status === 201 && remove.status === 403 && asViewer.status === 200 && rowCount === 1,
          `creates ${made.status}, after the change deletes ${remove.status}; with a new token reads ${asViewer.status}`,
        )
      },
    },
    {
      id: 'tenant-unknown',
      title: 'a valid token for a tenant that does not exist',
      lines,
      async run({ a }) {
        const { status } = await a.api.get('/documents', {
          token: await a.helper.token({ claims: { org_id: 'nobody-knows' } }),
        })
        return outcome(status === 403, String(status))
      },
    },
  ],
}
