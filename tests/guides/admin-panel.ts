import { type Request, Router } from 'express'
import { InvalidInputError, NotFoundError, type Partywall } from 'partywall'
import { asyncRoute, tenantErrorHandler } from 'partywall/express'
import type { Pool } from 'pg'

export interface AdminPanelParts {
  readonly wall: Partywall
  /** A pool with the login `shop_admin`. */
  readonly adminPool: Pool
  /** The staff member of a request, from your own sign-in of staff. It throws if there is none. */
  readonly staffOf: (request: Request) => string
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Why the staff member looks. It is written down before anything is read. */
function reasonOf(request: Request): string {
  const reason = request.get('X-Reason') ?? ''
  if (reason.length < 8) throw new InvalidInputError('Say why: X-Reason needs a ticket or a sentence.')
  return reason
}

/** `app.use('/admin', adminPanel(parts))`, before `tenantContextMiddleware`. */
export function adminPanel({ wall, adminPool, staffOf }: AdminPanelParts): Router {
  const router = Router()

  router.get(
    '/tenants',
    asyncRoute(async (request, response) => {
      const crossing = { actor: staffOf(request), reason: reasonOf(request) }
      const list = () => wall.pool.query('select id, name, status, tier from tenants order by name')
      response.json((await wall.runAcrossTenants(crossing, list)).rows)
    }),
  )

  router.get(
    '/tenants/:id/documents',
    asyncRoute(async (request, response) => {
      const visit = {
        tenantId: textOf(request.params.id),
        actor: staffOf(request),
        reason: reasonOf(request),
        expiresIn: '5m',
      } as const
      const read = () => wall.pool.query('select id, title from documents order by title')
      response.json((await wall.actAs(visit, read)).rows)
    }),
  )

  router.post(
    '/tenants/:id/suspend',
    asyncRoute(async (request, response) => {
      const tenantId = textOf(request.params.id)
      wall.logger.warn({ tenantId, actor: staffOf(request), reason: reasonOf(request) }, 'a tenant is suspended')
      const suspend = "update tenants set status = 'suspended' where id = $1"
      const { rowCount } = await adminPool.query(suspend, [tenantId])
      if (rowCount === 0) throw new NotFoundError('There is no such tenant.')
      response.sendStatus(204)
    }),
  )

  return router.use(tenantErrorHandler())
}
