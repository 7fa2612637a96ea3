import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type Plugin } from 'vitest/config'
import frameworks from '../../../vitest.frameworks.config.ts'
import { type Mutant, mutants } from './mutants.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const source = (file: string) => `${root}src/http/${file}`
const onNode = ['tests/http/{express,fastify,koa,node}.test.ts', 'tests/frameworks/nest-{express,fastify}.test.ts']
const onFetch = ['tests/http/{fetch,hono}.test.ts', 'tests/frameworks/next-routes.test.ts']

/** Takes the part out of the sources as they are loaded. No file is changed. */
function takeOut({ name, edits }: Mutant): Plugin {
  for (const { file, find } of edits) {
    const found = readFileSync(source(file), 'utf8').split(find).length - 1
    if (found !== 1) throw new Error(`mutant ${name}: ${file} has ${found} times: ${find}`)
  }
  return {
    name: `mutant-${name}`,
    enforce: 'pre',
    transform(code, id) {
      const mine = edits.filter(({ file }) => id.split('?')[0] === source(file))
      return mine.length === 0
        ? undefined
        : mine.reduce((text, { find, replace }) => text.replace(find, () => replace), code)
    },
  }
}

const asked = process.env['PARTYWALL_MUTANTS']?.split(',')

// One project for each mutant: the suites of all adapters that use the part. run.mjs expects each suite to fail.
export default defineConfig({
  test: {
    root,
    globalSetup: ['tests/setup/postgres.ts'],
    pool: 'forks',
    maxWorkers: 3,
    projects: mutants
      .filter(({ name }) => asked === undefined || asked.includes(name))
      .map((mutant) => ({
        resolve: frameworks.resolve ?? {},
        plugins: [takeOut(mutant)],
        test: {
          name: mutant.name,
          root,
          include: [...(mutant.only === 'fetch' ? [] : onNode), ...(mutant.only === 'node' ? [] : onFetch)],
          setupFiles: ['tests/http/mutants/stop-at-first-failure.ts'],
          testTimeout: 15_000,
          hookTimeout: 60_000,
        },
      })),
  },
})
