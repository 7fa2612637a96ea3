// partywall.config.* of a project: which file is taken, what it may hold, and the env file that it names.
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { loadProjectConfig } from '../../src/config/project-config.ts'

const VARIABLE = 'PARTYWALL_TEST_PROJECT_CONFIG'
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'partywall-config-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
  delete process.env[VARIABLE]
})
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)

it('a folder without a configuration has none', async () => {
  expect(await loadProjectConfig(folder)).toBeUndefined()
})

it.each([
  ['partywall.config.mjs', "export default { appRole: 'app' }"],
  ['partywall.config.js', "module.exports = { appRole: 'app' }"],
  ['partywall.config.ts', "export default { appRole: 'app' }"],
  ['partywall.config.mts', "export default { appRole: 'app' }"],
])('%s is read, and nothing stays beside it', async (name, text) => {
  write(name, text)
  expect(await loadProjectConfig(folder)).toMatchObject({ appRole: 'app' })
  expect(readdirSync(folder)).toEqual([name])
})

it('TypeScript with types is read with the compiler of the project', async () => {
  symlinkSync(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'), 'junction')
  write(
    'partywall.config.ts',
    "const name: string = 'app' satisfies string\nexport default { appRole: name } as { appRole: string }",
  )
  expect(await loadProjectConfig(folder)).toMatchObject({ appRole: 'app' })
})

it('the TypeScript file has priority over the JavaScript one', async () => {
  write('partywall.config.ts', "export default { appRole: 'first' }")
  write('partywall.config.mjs', "export default { appRole: 'second' }")
  expect(await loadProjectConfig(folder)).toMatchObject({ appRole: 'first' })
})

it('the env file is read, and variables that are set keep their value', async () => {
  write('partywall.config.mjs', "export default { envFile: '.env' }")
  write('.env', `${VARIABLE}=from-file\n`)
  await loadProjectConfig(folder)
  expect(process.env[VARIABLE]).toBe('from-file')
  process.env[VARIABLE] = 'set'
  await loadProjectConfig(folder)
  expect(process.env[VARIABLE]).toBe('set')
})

it.each([
  ['an unknown setting', "export default { approle: 'app' }", /approle/],
  ['a value of another kind', 'export default { tenantColumn: 1 }', /tenantColumn/],
  ['code that throws', "throw new Error('no luck')", /can't be loaded: no luck/],
  ['text that is no code', 'export default {', /can't be loaded/],
])('%s is refused with the name of the file', async (_name, text, message) => {
  write('partywall.config.mjs', text)
  const error: unknown = await loadProjectConfig(folder).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'PARTYWALL_CONFIGURATION' })
  expect(String(error)).toMatch(message)
  expect(String(error)).toContain('partywall.config.mjs')
})
