// The built command.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../setup/database.ts'

const program = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

describe('partywall migrate', { timeout: 60_000 }, () => {
  it('exits 2 for a second secret, names --rotate and no secret, and takes it with --rotate', async () => {
    const database = await createTestDatabase({ migrated: false })
    const migrate = (secret: string, ...flags: readonly string[]) => {
      const run = spawnSync(process.execPath, [program, 'migrate', '--database-url', database.adminUrl, ...flags], {
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', PARTYWALL_SEAL_SECRET: secret },
      })
      return { code: run.status, output: run.stdout + run.stderr }
    }
    const [first, second] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')]
    expect(migrate(first)).toMatchObject({ code: 0, output: expect.stringContaining('added seal key') })
    expect(migrate(first)).toMatchObject({ code: 0, output: expect.stringContaining('up to date') })
    const refused = migrate(second)
    expect(refused).toMatchObject({ code: 2, output: expect.stringContaining('--rotate') })
    expect(refused.output).not.toContain(second)
    expect(migrate(second, '--rotate')).toMatchObject({ code: 0, output: expect.stringContaining('added seal key') })
  })
})
