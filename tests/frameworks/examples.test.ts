// The examples whose frameworks and ORMs are not in the root install, with the scenarios of all examples.
import { createExampleApi as createExpress } from '../../examples/express-sequelize/app.ts'
import { createExampleApi as createNest } from '../../examples/nest-typeorm/app.ts'
import { isolationScenarios } from '../examples/isolation-scenarios.ts'
import { afterFile } from '../setup/after-file.ts'
import { serve } from '../setup/wall.ts'
import { serveNextExample } from './apps/next-example.ts'

isolationScenarios('Express and Sequelize', ({ wall }) => serve(createExpress(wall)))

isolationScenarios('NestJS and TypeORM', async ({ wall }) => {
  const app = await createNest(wall)
  afterFile(() => app.close())
  await app.listen(0, '127.0.0.1')
  return app.getUrl()
})

isolationScenarios('Next.js and Prisma', serveNextExample)
