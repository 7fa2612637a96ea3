// Starts the example on a database that `partywall migrate` and migrations/*.sql have prepared:
//   DATABASE_URL=… PARTYWALL_SEAL_SECRET=… ISSUER=… JWKS_URL=… AUDIENCE=… node dist/examples/express-api/server.js
import { createPartywall, type Partywall } from 'partywall'
import { createExampleApi } from './app.ts'
import { stillMember } from './still-member.ts'

const setting = (name: string): string => {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}

const wall: Partywall = createPartywall({
  database: { url: setting('DATABASE_URL') },
  auth: {
    issuer: setting('ISSUER'),
    keys: { jwksUrl: setting('JWKS_URL') },
    algorithms: ['ES256'],
    audience: setting('AUDIENCE'),
    tenantClaims: { tenant: 'org_id', roles: 'roles', permissions: 'permissions' },
    authorize: stillMember(() => wall.pool),
  },
  seal: { secret: setting('PARTYWALL_SEAL_SECRET') },
})

await wall.ready()
const port = Number(process.env['PORT'] ?? 3000)
const server = createExampleApi(wall).listen(port, (error) => {
  if (error !== undefined) throw error // Express 5 also calls this when the port is in use
  console.log(`http://127.0.0.1:${port}`)
})

process.once('SIGTERM', () => {
  server.close()
  wall.close().catch((error: unknown) => console.error(error))
})
