import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { packageRoot } from '../../src/config/package-root.ts'

/**
 * The rules that have a file of tests, `tests/verify/rules/RULE.test.ts`.
 *
 * @param wanted rules with commas between them; undefined: all
 */
export function rulesWithTests(wanted: string | undefined): readonly string[] {
  const chosen = wanted?.split(',')
  return readdirSync(join(packageRoot(), 'tests', 'verify', 'rules'))
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => basename(name, '.test.ts'))
    .filter((rule) => chosen === undefined || chosen.includes(rule))
}
