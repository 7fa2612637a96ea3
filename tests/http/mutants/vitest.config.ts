import { mutantProjects } from '../../mutants/projects.ts'
import { mutants } from './mutants.ts'

const onNode = ['tests/http/{express,fastify,koa,node}.test.ts', 'tests/frameworks/nest-{express,fastify}.test.ts']
const onFetch = ['tests/http/{fetch,hono}.test.ts', 'tests/frameworks/next-routes.test.ts']

// The suites of all adapters that use a part.
export default mutantProjects({
  folder: 'src/http',
  mutants,
  suitesOf: ({ only }) => [...(only === 'fetch' ? [] : onNode), ...(only === 'node' ? [] : onFetch)],
  suites: [...onNode, ...onFetch],
})
