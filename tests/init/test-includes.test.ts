import { expect, it } from 'vitest'
import { testIncludes } from '../../src/init/plan/test-includes.ts'
import { memoryProject } from './memory-project.ts'

const named = (config: string, testRunner: 'vitest' | 'jest' = 'vitest') =>
  testIncludes(memoryProject({ 'package.json': '{}', 'vitest.config.ts': config }), { testRunner }, [
    'src/tenant-isolation.test.ts',
  ]).map(({ path, why }) => `${path}: ${why}`)

it('names a configuration of Vitest that may leave out the test of the isolation', () => {
  expect(named("export default { test: { projects: [{ test: { include: ['src/**/*.unit.ts'] } }] } }")).toEqual([
    expect.stringMatching(/^vitest\.config\.ts: it has an include, .* src\/tenant-isolation\.test\.ts is run/),
  ])
})

it.each([
  ['without an include', 'export default { test: { globals: true } }'],
  ['with one for coverage alone', "export default { test: { coverage: { include: ['src'] } } }"],
  ['with one in a comment', "export default { test: { /* include: ['x'] */ } }"],
])('names none %s', (_, config) => {
  expect(named(config)).toEqual([])
})

it('names none of another test runner', () => {
  expect(named("export default { test: { include: ['x'] } }", 'jest')).toEqual([])
})
