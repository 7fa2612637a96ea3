import { expect, it } from 'vitest'
import { settingsOfTests } from '../../src/init/plan/settings-of-tests.ts'
import { memoryProject } from './memory-project.ts'

it('tells of the settings that tests need, where there are tests', () => {
  const lines = (files: Readonly<Record<string, string>>) =>
    settingsOfTests(memoryProject({ 'package.json': '{}', ...files }), 'src/partywall.ts').map(({ why }) => why)
  expect(lines({ 'src/auth.spec.ts': '' })).toEqual([
    expect.stringMatching(
      /src\/partywall\.ts need PARTYWALL_DATABASE_URL, PARTYWALL_ENTRY_URL and PARTYWALL_SEAL_SECRET/,
    ),
  ])
  expect(lines({ 'src/auth.ts': '' })).toEqual([])
})
