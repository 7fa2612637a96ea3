import { expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { jestLines } from '../../src/init/plan/jest-lines.ts'
import { memoryProject } from './memory-project.ts'

function linesOf(manifest: object, files: Readonly<Record<string, string>> = {}) {
  const dependencies = { pg: '8.23.0', jest: '30.0.0' }
  const project = memoryProject({ 'package.json': JSON.stringify({ dependencies, ...manifest }), ...files })
  return jestLines(project, detectProject(project, {}))
}

it('prints the lines with which Jest loads code that imports partywall', () => {
  const [found] = linesOf({ jest: { transform: { '\\.ts$': 'ts-jest' } } })
  expect(found?.path).toBe('package.json')
  const block = JSON.parse(`{${found?.lines.join('\n').replace(', …', '')}}`)
  expect(block.transform).toEqual({ '/node_modules/(?:partywall|jose)/.+\\.js$': 'partywall/jest' })
  const [ignored] = block.transformIgnorePatterns.map((pattern: string) => new RegExp(pattern))
  expect(ignored.test('/app/node_modules/partywall/dist/src/index.js')).toBe(false)
  expect(ignored.test('/app/node_modules/.pnpm/partywall@0.1.0_pg@8/node_modules/partywall/dist/src/index.js')).toBe(
    false,
  )
  expect(ignored.test('/app/node_modules/lodash/index.js')).toBe(true)
  expect(ignored.test('/app/node_modules/partywall/node_modules/zod/index.js')).toBe(true)
})

it('keeps the transform that Jest has by itself, which ends with the first of one’s own', () => {
  expect(linesOf({})[0]?.lines.join()).toContain('"\\\\.[jt]sx?$": "babel-jest"')
  const config = { 'jest.config.js': "module.exports = { preset: 'ts-jest' }" }
  expect(linesOf({}, config)[0]).toMatchObject({ path: 'jest.config.js' })
  expect(linesOf({}, config)[0]?.lines.join()).not.toContain('babel-jest')
})

it('says nothing where Jest runs ES modules, or another runner the tests', () => {
  expect(linesOf({ scripts: { test: 'node --experimental-vm-modules node_modules/.bin/jest' } })).toEqual([])
  expect(linesOf({ dependencies: { pg: '8.23.0', vitest: '4.0.0' } })).toEqual([])
})

it('names every configuration of Jest, such as that of end-to-end tests', () => {
  expect(linesOf({}, { 'test/jest-e2e.json': '{}' })[0]?.path).toBe('package.json and test/jest-e2e.json')
})
