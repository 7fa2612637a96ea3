// The examples whose frameworks and ORMs are in the root install. tests/frameworks/examples.test.ts has the others, and
// tests/security/tenant-isolation.test.ts has many more scenarios for the example of Express.
import { serve as serveHono } from '@hono/node-server'
import { createExampleApi as createExpress } from '../../examples/express-api/app.ts'
import { createExampleApi as createFastify } from '../../examples/fastify-drizzle/app.ts'
import { createExampleApi as createHono } from '../../examples/hono-kysely/app.ts'
import { afterFile } from '../setup/after-file.ts'
import { serve } from '../setup/wall.ts'
import { isolationScenarios } from './isolation-scenarios.ts'

isolationScenarios('Express and repositories', ({ wall }) => serve(createExpress(wall)))

isolationScenarios('Fastify and Drizzle', async ({ wall }) => {
  const app = await createFastify(wall)
  afterFile(() => app.close())
  return app.listen({ port: 0, host: '127.0.0.1' })
})

isolationScenarios(
  'Hono and Kysely',
  ({ wall }) =>
    new Promise((resolve) => {
      const server = serveHono({ fetch: createHono(wall).fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve(`http://127.0.0.1:${port}`),
      )
      afterFile(() => {
        if ('closeAllConnections' in server) server.closeAllConnections()
        server.close()
      })
    }),
)
