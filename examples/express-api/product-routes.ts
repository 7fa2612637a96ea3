import { Router } from 'express'
import { publicRoute } from 'partywall/express'
import { nestedRoutes } from './nested-routes.ts'
import { type Permit, resourceRoutes } from './resource-routes.ts'
import type { Rows } from './rows.ts'
import type { Document, Project, User } from './tables.ts'

/** The rows that the routes work with. */
export interface ProductRows {
  readonly projects: Rows<Project>
  readonly documents: Rows<Document>
  readonly users: Rows<User>
}

/** All routes of the product. */
export function productRoutes({ projects, documents, users }: ProductRows, permit: Permit): Router {
  const router = Router()
  // The limiter is mounted before this route on purpose: every request of a tenant counts.
  router.get('/ping', publicRoute('says that the process answers'), (_request, response) => {
    response.json({ pong: true })
  })
  router.get('/me', publicRoute('shows who is asking what they already know'), (request, response) => {
    response.json(request.tenantContext)
  })
  router.use('/projects', nestedRoutes(projects, documents, permit), resourceRoutes('projects', projects, permit))
  router.use('/documents', resourceRoutes('documents', documents, permit))
  router.use('/users', resourceRoutes('users', users, permit))
  return router
}
