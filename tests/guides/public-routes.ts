import { Router } from 'express'
import { NotFoundError } from 'partywall'
import { asyncRoute, tenantErrorHandler } from 'partywall/express'
import type { Pool } from 'pg'

/** `app.use('/p', publicPages(publicPool))`, before `tenantContextMiddleware`. `publicPool` has the login `shop_public`. */
export function publicPages(publicPool: Pool): Router {
  const router = Router()

  router.get(
    '/:company/:document',
    asyncRoute(async (request, response) => {
      const { company, document } = request.params
      const { rows } = await publicPool.query(
        `select d.title, d.body from documents d join tenants t on t.id = d.tenant_id
          where t.key = $1 and d.id::text = $2`,
        [company, document],
      )
      const [page] = rows
      if (page === undefined) throw new NotFoundError('There is no such page.')
      response.json(page)
    }),
  )

  return router.use(tenantErrorHandler())
}
