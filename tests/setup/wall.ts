import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Authorize } from '../../src/auth/membership.ts'
import { silentLogger } from '../../src/logger/logger.ts'
import { createPartywall, type Partywall, type PartywallConfig } from '../../src/partywall.ts'
import { afterFile } from './after-file.ts'
import type { TestDatabase } from './database.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

/** A wall on a test database with an issuer of its own, both closed when the file's tests are over. `auth` adds to the issuer's options. */
export async function createTestWall(
  database: TestDatabase,
  changes: Partial<PartywallConfig> = {},
  auth: { readonly authorize?: Authorize } = {},
): Promise<{ readonly wall: Partywall; readonly issuer: TestIssuer }> {
  const issuer = await startIssuer()
  const wall = createPartywall({
    database: { url: database.appUrl, acrossTenantsUrl: database.acrossUrl, max: 4 },
    auth: { ...issuer.localOptions(), ...auth },
    seal: { secret: database.sealSecret },
    logger: silentLogger,
    ...changes,
  })
  afterFile(async () => {
    await wall.close({ timeoutMs: 2_000 })
    await issuer.close()
  })
  return { wall, issuer }
}

/** Serves a listener on loopback until the file's tests are over. */
export async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterFile(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
