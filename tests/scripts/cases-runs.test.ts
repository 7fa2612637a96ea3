// npm run verify:fixes and verify:peers load the tests of all rules in place of vitest. They are not part of CI.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot } from '../../src/config/package-root.ts'
import { rulesWithTests } from '../verify/rules-with-tests.ts'
import * as blocks from '../verify-peers/own-blocks.ts'

it('the runs over the cases of all rules have each function of vitest that the rules’ tests use', () => {
  const uses = rulesWithTests(undefined).flatMap((rule) => {
    const text = readFileSync(join(packageRoot(), 'tests', 'verify', 'rules', `${rule}.test.ts`), 'utf8')
    const imported = /import \{([^}]*)\} from 'vitest'/.exec(text)?.[1] ?? ''
    const names = imported.split(',').flatMap((name) => name.trim() || [])
    const members = [...text.matchAll(/\b(it|describe)\.(\w+)\s*\(/g)].map(([, block, member]) => `${block}.${member}`)
    return [...names, ...members]
  })
  const has = (use: string) =>
    use.split('.').reduce<unknown>((value, name) => Reflect.get(Object(value), name), blocks) !== undefined
  expect(uses).toContain('it.each')
  expect([...new Set(uses)].filter((use) => !has(use))).toEqual([])
})
