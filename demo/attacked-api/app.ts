import express, { type Express, type RequestHandler } from 'express'
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
import { exampleAccess } from '../../examples/express-api/access.ts'
import { productRoutes } from '../../examples/express-api/product-routes.ts'
import type { Permit } from '../../examples/express-api/resource-routes.ts'
import type { Rows } from '../../examples/express-api/rows.ts'
import * as tables from '../../examples/express-api/tables.ts'
import { carelessAdmission } from './careless-admission.ts'
import { carelessRoutes } from './careless-routes.ts'
import { ALL_LAYERS, type Layers } from './layers.ts'
import { unfilteredRows } from './unfiltered-rows.ts'

interface AttackedOptions {
  /** Layers to leave out, to show which attacks then succeed. */
  readonly layers?: Partial<Layers>
  readonly agreement?: AgreementOptions
}

/** The example application with additional careless routes. Layers of partywall can be left out. Only for attacks; never deploy it. */
export function createAttackedApi(wall: Partywall, options: AttackedOptions = {}): Express {
  const layers: Layers = { ...ALL_LAYERS, ...options.layers }
  const app = express()
  app.disable('x-powered-by')

  const checked = layers.tokenCheck && layers.directory
  app.use(
    tenantContextMiddleware(checked ? wall : { ...wall, ...carelessAdmission(wall, layers) }, {
      agreement: options.agreement,
      refuseBlocked: layers.limits,
    }),
  )
  if (layers.limits && wall.limiter !== undefined) app.use(tenantRateLimiter({ limiter: wall.limiter }))
  app.use(express.json({ limit: '1mb' }))
  if (layers.guard) app.use(responseGuard(wall.guard))

  const { requirePermission } = routePermissions(
    wall.access ?? createAccessControl({ ...exampleAccess, events: wall.events }),
  )
  const permit: Permit = layers.permissions ? requirePermission : () => pass
  const rows = {
    projects: rowsOf<tables.Project>(wall, tables.projects, layers),
    documents: rowsOf<tables.Document>(wall, tables.documents, layers),
    users: rowsOf<tables.User>(wall, tables.users, layers),
  }
  app.use(productRoutes(rows, permit))
  app.use('/careless', carelessRoutes(wall, permit))

  app.use((_request, _response, next) => next(new NotFoundError('There is no such route.')))
  app.use(tenantErrorHandler())
  return app
}

const pass: RequestHandler = (_request, _response, next) => next()

function rowsOf<Row extends object>(
  wall: Partywall,
  table: Parameters<typeof wall.repository<Row>>[0],
  layers: Layers,
): Rows<Row> {
  const repository = wall.repository<Row>(table)
  return layers.repositoryFilter ? repository : unfilteredRows(wall, table.table, repository)
}
