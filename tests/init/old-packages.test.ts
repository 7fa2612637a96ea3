import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { detectProject } from '../../src/init/detection/project.ts'
import { LEAST_VERSIONS, oldPackages } from '../../src/init/plan/old-packages.ts'
import { memoryProject, packageJson } from './memory-project.ts'

const NEST = ['core', 'common', 'platform-express', 'testing', 'jwt'].map((name) => `@nestjs/${name}`)

function found(versions: Readonly<Record<string, string>>) {
  const installed = Object.entries(versions).map(([path, version]) => [path, JSON.stringify({ version })])
  const files = memoryProject({
    'package.json': packageJson(['pg', 'fastify', 'drizzle-orm', 'drizzle-kit', ...NEST]),
    'pnpm-lock.yaml': '',
    ...Object.fromEntries(installed),
  })
  return { project: detectProject(files, {}), old: oldPackages(files, detectProject(files, {})) }
}

it('names packages with which the application would not start, and the command that brings newer ones', () => {
  const { old } = found({ 'node_modules/pg/package.json': '8.20.0', '../node_modules/fastify/package.json': '4.24.3' })
  expect(old.map(({ why, lines }) => [why, ...lines])).toEqual([
    ['pg 8.20 is installed, and partywall needs 8.21 or later', 'pnpm add pg@^8.21'],
    ['fastify 4.24 is installed, and partywall needs 5.0 or later', 'pnpm add fastify@^5.0'],
  ])
})

it('is silent about newer ones, and about those that it can not see', () => {
  expect(found({ 'node_modules/pg/package.json': '8.21.0', 'node_modules/fastify/package.json': '5.1.0' }).old).toEqual(
    [],
  )
  expect(found({}).old).toEqual([])
})

it('knows the versions of the peer dependencies', () => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8'))
  for (const [name, [major, minor]] of LEAST_VERSIONS) {
    const wanted = String(peerDependencies[name])
    expect(wanted.startsWith(minor === 0 ? `>=${major} ` : `>=${major}.${minor} `), `${name} ${wanted}`).toBe(true)
  }
})

it('does not name a command that an old drizzle-kit lacks', () => {
  const command = (version: string) =>
    found({ 'node_modules/drizzle-kit/package.json': version }).project.migrations.command
  expect(command('0.20.2')).toBeUndefined()
  expect(command('0.31.0')).toBe('pnpm exec drizzle-kit migrate')
})

it('raises all packages of NestJS that share a version with one command', () => {
  const nest = Object.fromEntries(NEST.map((name) => [`node_modules/${name}/package.json`, '10.4.1']))
  const { old } = found(nest)
  expect(old.map(({ lines }) => lines)).toEqual([
    ['pnpm add @nestjs/common@^11.0 @nestjs/core@^11.0 @nestjs/platform-express@^11.0 @nestjs/testing@^11.0'],
  ])
  expect(old[0]?.why).toMatch(/^@nestjs\/core 10\.4 is installed, and partywall needs 11\.0 or later\. .*together/)
})
