import { createPartywall, type Partywall } from 'partywall'

const setting = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set. next build reads it too, but does not connect.`)
  return value
}

const makeWall = (): Partywall =>
  createPartywall({
    database: { url: setting('DATABASE_URL') },
    auth: {
      issuer: setting('ISSUER'),
      keys: { jwksUrl: setting('JWKS_URL') },
      algorithms: ['ES256'],
      audience: setting('AUDIENCE'),
      tenantClaims: { tenant: 'org_id', roles: 'roles' },
    },
    seal: { secret: setting('PARTYWALL_SEAL_SECRET') },
    access: {
      roles: {
        owner: ['documents:*'],
        member: ['documents:read', 'documents:create', 'documents:update'],
        viewer: ['documents:read'],
      },
      // In the database only tenant_admin may delete.
      levels: { tenant_admin: ['documents:delete'] },
    },
  })

// Next.js bundles each route with a copy of this file, and loads it again after a change in development. All copies share one wall.
const kept: typeof globalThis & { exampleWall?: Partywall } = globalThis

/** The wall of this process. */
export const wall: Partywall = kept.exampleWall ?? makeWall()
kept.exampleWall = wall
