import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { db } from '../db/client.js'
import { accounts, companies } from '../db/schema.js'
import { checkPassword, hashPassword } from '../passwords.js'

interface SignUp {
  company: string
  fullName: string
  email: string
  password: string
}

export async function sessionRoutes(app: FastifyInstance) {
  app.post<{ Body: SignUp }>('/signup', async (request, reply) => {
    const { company, fullName, email, password } = request.body
    const taken = await db.select({ id: accounts.id }).from(accounts).where(eq(accounts.email, email))
    if (taken.length > 0) return reply.code(409).send({ message: 'email is in use' })
    const passwordHash = await hashPassword(password)
    const account = await db.transaction(async (tx) => {
      const [created] = await tx.insert(companies).values({ name: company }).returning()
      if (!created) throw new Error('no company')
      const [owner] = await tx
        .insert(accounts)
        .values({ companyId: created.id, email, passwordHash, fullName, role: 'admin' })
        .returning()
      if (!owner) throw new Error('no account')
      return owner
    })
    const { id, companyId, role } = account
    return reply.code(201).send({ token: app.jwt.sign({ sub: String(id), companyId, role }) })
  })

  app.post<{ Body: { email: string; password: string } }>('/login', async (request, reply) => {
    const [account] = await db.select().from(accounts).where(eq(accounts.email, request.body.email))
    if (!account || !(await checkPassword(request.body.password, account.passwordHash))) {
      return reply.code(401).send({ message: 'wrong email or password' })
    }
    const { id, companyId, role } = account
    return { token: app.jwt.sign({ sub: String(id), companyId, role }) }
  })
}
