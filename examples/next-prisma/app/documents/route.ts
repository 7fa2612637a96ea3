// Next.js and Prisma on the tables of migrations/0001_example_schema.sql. No query names the tenant: row-level security adds the condition.
import { db } from '../../lib/db'
import { changes } from '../../lib/input'
import { tenant } from '../../lib/tenant'

export const GET = tenant.route({ permission: 'documents:read' }, async () =>
  Response.json(await db.documents.findMany({ orderBy: [{ created_at: 'asc' }, { id: 'asc' }], take: 100 })),
)

export const POST = tenant.route({ permission: 'documents:create' }, async (request, _context, { tenantId }) => {
  const data = { ...changes(await request.json()), tenant_id: tenantId }
  return Response.json(await db.documents.create({ data }), { status: 201 })
})
