// Hono and Kysely on the tables of migrations/0001_example_schema.sql. No query names the tenant: row-level security adds the condition.
import { Hono } from 'hono'
import { type Generated, Kysely, PostgresDialect } from 'kysely'
import { getCurrentTenant, InvalidInputError, NotFoundError, type Partywall } from 'partywall'
import { requirePermission, tenantContext } from 'partywall/hono'

interface Documents {
  readonly tenant_id: string
  readonly id: Generated<string>
  readonly project_id: string | null
  readonly title: string
  readonly created_at: Generated<Date>
}

/** A small API of one table. */
export function createExampleApi(wall: Partywall): Hono {
  const db = new Kysely<{ documents: Documents }>({ dialect: new PostgresDialect({ pool: wall.pool }) })
  const app = new Hono()
  app.use(tenantContext(wall, { guard: wall.guard }))
  const may = (permission: string) => requirePermission(wall.access, permission)

  app.get('/documents', may('documents:read'), async (context) =>
    context.json(await db.selectFrom('documents').selectAll().orderBy('created_at').orderBy('id').limit(100).execute()),
  )
  app.get('/documents/:id', may('documents:read'), async (context) => {
    const id = uuid(context.req.param('id'))
    return context.json(existing(await db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirst()))
  })
  app.post('/documents', may('documents:create'), async (context) => {
    const { title, project_id = null } = changes(await context.req.json())
    const values = { tenant_id: getCurrentTenant().tenantId, title, project_id }
    return context.json(await db.insertInto('documents').values(values).returningAll().executeTakeFirstOrThrow(), 201)
  })
  app.put('/documents/:id', may('documents:update'), async (context) => {
    const { title } = changes(await context.req.json())
    const id = uuid(context.req.param('id'))
    const changed = db.updateTable('documents').set({ title }).where('id', '=', id).returningAll()
    return context.json(existing(await changed.executeTakeFirst()))
  })
  app.delete('/documents/:id', may('documents:delete'), async (context) => {
    const id = uuid(context.req.param('id'))
    existing(await db.deleteFrom('documents').where('id', '=', id).returning('id').executeTakeFirst())
    return context.body(null, 204)
  })
  // tenantContext() answers errors of handlers. Without this line Hono would also print them.
  app.onError(() => new Response(null, { status: 500 }))
  return app
}

/** A row of another tenant is not found, like one that does not exist. */
function existing<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new NotFoundError('There is no such document.')
  return row
}

function uuid(text: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) throw new InvalidInputError('This is no id.')
  return text
}

/** Names that are not listed here are refused, such as tenant_id. */
function changes(body: unknown): { readonly title: string; readonly project_id?: string } {
  const { title, project_id, ...others }: Record<string, unknown> = { ...Object(body) }
  if (typeof title !== 'string' || Object.keys(others).length > 0) throw new InvalidInputError('Send a title.')
  return typeof project_id === 'string' ? { title, project_id: uuid(project_id) } : { title }
}
