import jwt from '@fastify/jwt'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

declare module '@fastify/jwt' {
  interface FastifyJWT {
    payload: { sub: string; companyId: number; role: 'admin' | 'employee' }
    user: { sub: string; companyId: number; role: 'admin' | 'employee' }
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>
  }
}

export const authPlugin = fp(async (app) => {
  await app.register(jwt, { secret: process.env.JWT_SECRET ?? '', sign: { expiresIn: '10h' } })
  app.decorate('authenticate', async (request: FastifyRequest) => {
    await request.jwtVerify()
  })
})
