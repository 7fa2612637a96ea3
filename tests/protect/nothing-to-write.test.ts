import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { apply, withProtectCase } from './protect-case.ts'
import { UUID_SCHEMA } from './schemas.ts'

const run = promisify(execFile)

it('says that no change is left to write, and not that there is nothing to do, while decisions are left', async () => {
  await withProtectCase(UUID_SCHEMA, async (given) => {
    const say = async () =>
      (
        await run(process.execPath, [
          'dist/cli/main.js',
          'protect',
          '--database-url',
          given.ownerUrl,
          '--app-role',
          given.appRole,
        ])
      ).stderr
    await apply(given.owner, await given.plan({ appRole: given.appRole }), 'up')
    const { decisions } = await given.plan({ appRole: given.appRole })
    expect(decisions.length).toBeGreaterThan(0)
    const left = await say()
    expect(left).toContain('No change is left to write')
    expect(left).toMatch(/decisions? (is|are) left to you/)
    expect(left).not.toContain('Nothing to do')
  })
})
