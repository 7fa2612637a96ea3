import { db } from '../../../lib/db'
import { changes, existing, uuid } from '../../../lib/input'
import { tenant } from '../../../lib/tenant'

interface Context {
  readonly params: Promise<{ readonly id: string }>
}

const idOf = async ({ params }: Context) => uuid((await params).id)

export const GET = tenant.route({ permission: 'documents:read' }, async (_request, context: Context) =>
  Response.json(existing(await db.documents.findUnique({ where: { id: await idOf(context) } }))),
)

export const PUT = tenant.route({ permission: 'documents:update' }, async (request, context: Context) => {
  const { title } = changes(await request.json())
  const where = { id: await idOf(context) }
  const [changed] = await db.documents.updateManyAndReturn({ where, data: { title } })
  return Response.json(existing(changed))
})

export const DELETE = tenant.route({ permission: 'documents:delete' }, async (_request, context: Context) => {
  const { count } = await db.documents.deleteMany({ where: { id: await idOf(context) } })
  existing(count === 0 ? null : count)
  return new Response(null, { status: 204 })
})
