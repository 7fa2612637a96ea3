// Serves both sides, an Express app on raw pg and the whole stack, in a separate process, so that the load generator's CPU time is not
// counted.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import pg from 'pg'
import { createExampleApi } from '../../examples/express-api/app.ts'
import { createPartywall } from '../../src/partywall.ts'
import { createMemoryStore } from '../../src/rate-limit/memory-store.ts'
import type { TestKitEnv } from '../../src/testing/start-test-kit.ts'

export interface ServerOrder {
  readonly env: TestKitEnv
  readonly adminUrl: string
  readonly tenantId: string
}

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port // listening on TCP
}

process.once('message', async (order: ServerOrder) => {
  // Answers with the CPU time that the process has used so far.
  process.on('message', () => process.send?.(process.cpuUsage()))
  const pool = new pg.Pool({ connectionString: order.adminUrl, max: 10 })
  const raw = express()
  raw.disable('x-powered-by')
  raw.use(express.json({ limit: '1mb' }))
  raw.get('/documents/:id', async (request, response) => {
    const { rows } = await pool.query(
      'select id, tenant_id, project_id, title, body, created_by, created_at from documents where tenant_id = $1 and id = $2',
      [order.tenantId, request.params.id],
    )
    response.json(rows[0])
  })

  const plenty = { requestsPerMinute: 60_000_000, requestsPerDay: 60_000_000, burstSize: 60_000_000 }
  const wall = createPartywall({
    database: { url: order.env.databaseUrl, max: 10 },
    auth: order.env.auth,
    seal: { secret: order.env.sealSecret },
    rateLimit: { store: createMemoryStore(), tiers: { free: plenty } },
  })
  await wall.ready()
  process.send?.({ raw: await listen(raw), stack: await listen(createExampleApi(wall)) })
})
process.once('disconnect', () => process.exit(0))
