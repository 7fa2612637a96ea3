import { Router } from 'express'
import { NotFoundError } from 'partywall'
import { asyncRoute } from 'partywall/express'
import { listOptions } from './list-query.ts'
import type { Permit } from './resource-routes.ts'
import type { Rows } from './rows.ts'
import type { Document, Project } from './tables.ts'

/** The documents of a project. */
export function nestedRoutes(projects: Rows<Project>, documents: Rows<Document>, permit: Permit): Router {
  const router = Router()

  async function existing(id: string): Promise<Project> {
    const project = await projects.findById(id)
    if (project === undefined) throw new NotFoundError('There is no such project.')
    return project
  }

  router.get(
    '/:id/documents',
    permit('documents:read'),
    asyncRoute(async (request, response) => {
      const project = await existing(String(request.params['id']))
      const options = listOptions<Document>(request.query)
      response.json(await documents.findPage({ ...options, where: { ...options.where, project_id: project.id } }))
    }),
  )

  router.post(
    '/:id/documents',
    permit('documents:create'),
    asyncRoute(async (request, response) => {
      const project = await existing(String(request.params['id']))
      response.status(201).json(await documents.create({ ...request.body, project_id: project.id }))
    }),
  )

  return router
}
