import { asc, eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { db } from '../db/client.js'
import { accounts } from '../db/schema.js'
import { hashPassword } from '../passwords.js'

export async function peopleRoutes(app: FastifyInstance) {
  app.get('/people', async (request) =>
    db
      .select({ id: accounts.id, fullName: accounts.fullName, email: accounts.email, role: accounts.role })
      .from(accounts)
      .where(eq(accounts.companyId, request.user.companyId))
      .orderBy(asc(accounts.fullName)),
  )

  app.post<{ Body: { fullName: string; email: string; password: string } }>('/people', async (request, reply) => {
    if (request.user.role !== 'admin') return reply.code(403).send({ message: 'admins only' })
    const { fullName, email, password } = request.body
    const [created] = await db
      .insert(accounts)
      .values({ companyId: request.user.companyId, fullName, email, passwordHash: await hashPassword(password) })
      .returning({ id: accounts.id, fullName: accounts.fullName })
    return reply.code(201).send(created)
  })
}
