// Tools that send prepared statements refuse several commands in one: each string of a plan holds one statement.
import { expect, it } from 'vitest'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { renderMigration } from '../../src/protect/render/render.ts'
import { splitStatements } from '../../src/verify/sources/split-statements.ts'
import { withProtectCase } from './protect-case.ts'
import { BIGINT_SCHEMA, TEXT_SCHEMA, UUID_SCHEMA } from './schemas.ts'

function several(plan: ProtectPlan): readonly string[] {
  const files = renderMigration(plan, 'drizzle', { names: [], journal: undefined }, new Date(0))
  return files
    .filter(({ path }) => path.endsWith('.sql'))
    .flatMap(({ content }) => content.split('--> statement-breakpoint'))
    .filter((part) => splitStatements(part).statements.length !== 1)
}

it.each([
  ['uuid', UUID_SCHEMA],
  ['bigint', BIGINT_SCHEMA],
  ['text', TEXT_SCHEMA],
])('a breakpoint of drizzle stands behind every statement, up and down: %s', async (_name, schema) => {
  await withProtectCase(schema, async (given) => {
    expect(several(await given.plan())).toEqual([])
  })
})
