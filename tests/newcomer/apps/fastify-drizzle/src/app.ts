import fastify, { type FastifyInstance } from 'fastify'
import { authPlugin } from './auth-plugin.js'
import { closeDb } from './db/client.js'
import { peopleRoutes } from './routes/people.js'
import { projectRoutes } from './routes/projects.js'
import { sessionRoutes } from './routes/session.js'

export async function buildApp(): Promise<FastifyInstance> {
  const app = fastify({ logger: process.env.NODE_ENV === 'production' })
  await app.register(authPlugin)
  app.addHook('onClose', closeDb)

  app.get('/healthz', async () => 'ok')
  await app.register(sessionRoutes)
  await app.register(async (secured) => {
    secured.addHook('onRequest', secured.authenticate)
    await secured.register(peopleRoutes)
    await secured.register(projectRoutes)
  })
  return app
}
