// The examples whose frameworks and ORMs are not in the root install, with the scenarios of all examples.
import { createExampleApi as createExpress } from '../../examples/express-sequelize/app.ts'
import { isolationScenarios } from '../examples/isolation-scenarios.ts'
import { serve } from '../setup/wall.ts'

isolationScenarios('Express and Sequelize', ({ wall }) => serve(createExpress(wall)))
