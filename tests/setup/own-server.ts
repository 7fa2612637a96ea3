import { afterAll, beforeAll, vi } from 'vitest'
import { startPostgres } from '../../src/embedded/start-postgres.ts'
import type { ThrowAwayServer } from '../../src/embedded/throw-away-server.ts'

/**
 * Gives the tests of this `describe` a server of their own, which PARTYWALL_POSTGRES_URL names. Roles belong to the whole server: a login
 * that is a member of tenant_user would be a second role of the application for the tests beside it.
 */
export function withOwnServer(): void {
  let server: ThrowAwayServer | undefined
  let before: string | undefined
  beforeAll(async () => {
    before = process.env['PARTYWALL_POSTGRES_URL']
    server = await startPostgres({ externalUrl: undefined })
    vi.stubEnv('PARTYWALL_POSTGRES_URL', server.url())
  })
  afterAll(async () => {
    vi.stubEnv('PARTYWALL_POSTGRES_URL', before)
    await server?.stop()
  })
}
