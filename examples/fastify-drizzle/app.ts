// Fastify and Drizzle on the tables of migrations/0001_example_schema.sql. No query names the tenant: row-level security adds the condition.
import { asc, eq } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import fastify, { type FastifyInstance } from 'fastify'
import { getCurrentTenant, NotFoundError, type Partywall } from 'partywall'
import { partywallPlugin } from 'partywall/fastify'
import { documents } from './schema.ts'

/** What a client may send of a document. */
interface Body {
  readonly title: string
  readonly project_id?: string
}

const body = {
  type: 'object',
  required: ['title'],
  additionalProperties: false,
  properties: { title: { type: 'string' }, project_id: { type: 'string', format: 'uuid' } },
} as const
const params = { type: 'object', properties: { id: { type: 'string', format: 'uuid' } } } as const

/** A small API of one table. */
export async function createExampleApi(wall: Partywall): Promise<FastifyInstance> {
  const db = drizzle(wall.pool)
  const app = fastify({ ajv: { customOptions: { removeAdditional: false } } })
  await app.register(partywallPlugin, { wall, guard: wall.guard, requireDeclarations: true })
  const may = (permission: string) => ({ partywall: { permission } })

  app.get('/documents', { config: may('documents:read') }, () =>
    db.select().from(documents).orderBy(asc(documents.createdAt), asc(documents.id)).limit(100),
  )
  app.get<{ Params: { id: string } }>(
    '/documents/:id',
    { config: may('documents:read'), schema: { params } },
    async (request) => existing(await db.select().from(documents).where(eq(documents.id, request.params.id))),
  )
  app.post<{ Body: Body }>(
    '/documents',
    { config: may('documents:create'), schema: { body } },
    async (request, reply) => {
      const { title, project_id: projectId } = request.body
      const { tenantId } = getCurrentTenant()
      const made = await db.insert(documents).values({ tenantId, title, projectId }).returning()
      return reply.code(201).send(existing(made))
    },
  )
  app.put<{ Params: { id: string }; Body: Body }>(
    '/documents/:id',
    { config: may('documents:update'), schema: { params, body } },
    async (request) => {
      const { title } = request.body
      return existing(await db.update(documents).set({ title }).where(eq(documents.id, request.params.id)).returning())
    },
  )
  app.delete<{ Params: { id: string } }>(
    '/documents/:id',
    { config: may('documents:delete'), schema: { params } },
    async (request, reply) => {
      existing(await db.delete(documents).where(eq(documents.id, request.params.id)).returning())
      return reply.code(204).send()
    },
  )
  return app
}

/** A row of another tenant is not found, like one that does not exist. */
function existing<Row>([row]: readonly Row[]): Row {
  if (row === undefined) throw new NotFoundError('There is no such document.')
  return row
}
