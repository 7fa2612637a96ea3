import express, { type Express, type RequestHandler } from 'express'
import { NotFoundError, type Partywall } from 'partywall'
import { createAccessControl } from 'partywall/access'
import {
  type AgreementOptions,
  publicRoute,
  responseGuard,
  routePermissions,
  tenantContextMiddleware,
  tenantErrorHandler,
  tenantRateLimiter,
} from 'partywall/express'
import { exampleAccess } from './access.ts'
import { carelessAdmission } from './careless-admission.ts'
import { carelessRoutes } from './careless-routes.ts'
import { ALL_LAYERS, type Layers } from './layers.ts'
import { nestedRoutes } from './nested-routes.ts'
import { type Permit, resourceRoutes } from './resource-routes.ts'
import type { Rows } from './rows.ts'
import * as tables from './tables.ts'
import { unfilteredRows } from './unfiltered-rows.ts'

export interface ExampleOptions {
  /** Mounts routes with the usual mistakes under `/careless`, to be attacked. */
  readonly careless?: boolean
  /** Layers to leave out; the demo shows what gets through then. */
  readonly layers?: Partial<Layers>
  readonly agreement?: AgreementOptions
}

/** A small B2B product: projects, documents and users of each tenant. */
export function createExampleApi(wall: Partywall, options: ExampleOptions = {}): Express {
  const layers: Layers = { ...ALL_LAYERS, ...options.layers }
  const app = express()
  app.disable('x-powered-by')

  const checked = layers.tokenCheck && layers.directory
  app.use(
    tenantContextMiddleware(checked ? wall : { ...wall, ...carelessAdmission(wall, layers) }, {
      agreement: options.agreement,
      // The limiter below stands in the way of every route.
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
  const projects = rowsOf<tables.Project>(wall, tables.projects, layers)
  const documents = rowsOf<tables.Document>(wall, tables.documents, layers)
  const users = rowsOf<tables.User>(wall, tables.users, layers)

  // Behind the limiter on purpose: a tenant's requests count, whatever they ask for.
  app.get('/ping', publicRoute('says that the process answers'), (_request, response) => {
    response.json({ pong: true })
  })
  app.get('/me', publicRoute('shows who is asking what they already know'), (request, response) => {
    response.json(request.tenantContext)
  })
  app.use('/projects', nestedRoutes(projects, documents, permit), resourceRoutes('projects', projects, permit))
  app.use('/documents', resourceRoutes('documents', documents, permit))
  app.use('/users', resourceRoutes('users', users, permit))
  if (options.careless === true) app.use('/careless', carelessRoutes(wall, permit))

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
