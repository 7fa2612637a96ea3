// Express and Sequelize on the tables of migrations/0001_example_schema.sql. No query names the tenant: row-level security adds the condition.
import express, { type Express } from 'express'
import { getCurrentTenant, InvalidInputError, NotFoundError, type Partywall } from 'partywall'
import { responseGuard, routePermissions, tenantContextMiddleware, tenantErrorHandler } from 'partywall/express'
import { Sequelize } from 'sequelize'
import { defineDocuments } from './document.ts'

/** A small API of one table. */
export function createExampleApi(wall: Partywall): Express {
  const documents = defineDocuments(new Sequelize({ ...wall.drivers.sequelize(), logging: false }))
  const app = express()
  app.use(tenantContextMiddleware(wall), express.json(), responseGuard(wall.guard))
  const { requirePermission: may } = routePermissions(wall.access)
  app.param('id', (_request, _response, next, id) => next(uuid(id) === undefined ? noId() : undefined))

  app.get('/documents', may('documents:read'), async (_request, response) => {
    response.json(await documents.findAll({ order: ['created_at', 'id'], limit: 100 }))
  })
  app.get('/documents/:id', may('documents:read'), async (request, response) => {
    response.json(existing(await documents.findByPk(String(request.params['id']))))
  })
  app.post('/documents', may('documents:create'), async (request, response) => {
    const values = { ...changes(request.body), tenant_id: getCurrentTenant().tenantId }
    response.status(201).json(await documents.create(values))
  })
  app.put('/documents/:id', may('documents:update'), async (request, response) => {
    const { title } = changes(request.body)
    const [, [changed]] = await documents.update(
      { title },
      { where: { id: String(request.params['id']) }, returning: true },
    )
    response.json(existing(changed))
  })
  app.delete('/documents/:id', may('documents:delete'), async (request, response) => {
    existing((await documents.destroy({ where: { id: String(request.params['id']) } })) || undefined)
    response.status(204).end()
  })
  app.use(tenantErrorHandler())
  return app
}

/** A row of another tenant is not found, like one that does not exist. */
function existing<Row>(row: Row | null | undefined): Row {
  if (row === undefined || row === null) throw new NotFoundError('There is no such document.')
  return row
}

const noId = () => new InvalidInputError('This is no id.')

function uuid(value: unknown): string | undefined {
  return typeof value === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value : undefined
}

/** Names that are not listed here are refused, such as tenant_id. */
function changes(body: unknown): { readonly title: string; readonly project_id?: string } {
  const { title, project_id, ...others }: Record<string, unknown> = { ...Object(body) }
  if (typeof title !== 'string' || Object.keys(others).length > 0) throw new InvalidInputError('Send a title.')
  if (project_id === undefined) return { title }
  const projectId = uuid(project_id)
  if (projectId === undefined) throw noId()
  return { title, project_id: projectId }
}
