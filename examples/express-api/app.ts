import express, { type Express } from 'express'
import { NotFoundError, type Partywall } from 'partywall'
import { createAccessControl } from 'partywall/access'
import {
  type AgreementOptions,
  responseGuard,
  routePermissions,
  tenantContextMiddleware,
  tenantErrorHandler,
  tenantRateLimiter,
} from 'partywall/express'
import { exampleAccess } from './access.ts'
import { productRoutes } from './product-routes.ts'
import * as tables from './tables.ts'

export interface ExampleOptions {
  readonly agreement?: AgreementOptions
}

/** A small B2B product: projects, documents and users of each tenant. */
export function createExampleApi(wall: Partywall, { agreement }: ExampleOptions = {}): Express {
  const app = express()
  app.disable('x-powered-by')

  // The limiter below covers every route, so a blocked tenant may be refused early, before directory and membership are asked.
  app.use(tenantContextMiddleware(wall, { agreement, refuseBlocked: true }))
  if (wall.limiter !== undefined) app.use(tenantRateLimiter({ limiter: wall.limiter }))
  app.use(express.json({ limit: '1mb' }))
  app.use(responseGuard(wall.guard))

  const { requirePermission } = routePermissions(
    wall.access ?? createAccessControl({ ...exampleAccess, events: wall.events }),
  )
  const rows = {
    projects: wall.repository<tables.Project>(tables.projects),
    documents: wall.repository<tables.Document>(tables.documents),
    users: wall.repository<tables.User>(tables.users),
  }
  app.use(productRoutes(rows, requirePermission))

  app.use((_request, _response, next) => next(new NotFoundError('There is no such route.')))
  app.use(tenantErrorHandler())
  return app
}
