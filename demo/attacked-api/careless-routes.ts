import { Router } from 'express'
import type { Partywall } from 'partywall'
import { asyncRoute } from 'partywall/express'
import type { Permit } from '../../examples/express-api/resource-routes.ts'

/**
 * Routes of a careless programmer: SQL that is concatenated from the client's input, and a cache without the tenant in its key. They
 * exist to be attacked: partywall must protect the tenants although these routes do not.
 */
export function carelessRoutes(wall: Partywall, permit: Permit): Router {
  const router = Router()
  const latest = new Map<string, unknown>()

  // SQL injection into the middle of a statement.
  router.get(
    '/search',
    permit('documents:read'),
    asyncRoute(async (request, response) => {
      const { rows } = await wall.pool.query(
        `select id, tenant_id, title from documents where title like '%${String(request.query['q'] ?? '')}%' order by title`,
      )
      response.json(rows)
    }),
  )

  // SQL injection of a whole statement.
  router.get(
    '/report',
    permit('documents:read'),
    asyncRoute(async (request, response) => {
      const { rows } = await wall.pool.query(String(request.query['sql'] ?? 'select 1 as one'))
      response.json(rows)
    }),
  )

  // The programmer wrongly assumes that only one tenant has a document with this title.
  router.get(
    '/cached',
    permit('documents:read'),
    asyncRoute(async (request, response) => {
      const title = String(request.query['title'] ?? '')
      if (!latest.has(title)) {
        const { rows } = await wall.pool.query('select id, tenant_id, title, body from documents where title = $1', [
          title,
        ])
        latest.set(title, rows)
      }
      response.json(latest.get(title))
    }),
  )

  // The programmer takes the tenant from the body.
  router.post(
    '/documents',
    permit('documents:create'),
    asyncRoute(async (request, response) => {
      const { tenant_id: tenantId, title } = request.body
      const { rows } = await wall.pool.query(
        'insert into documents (tenant_id, title) values ($1, $2) returning id, tenant_id, title',
        [tenantId, title],
      )
      response.status(201).json(rows[0])
    }),
  )

  return router
}
