import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { staleFiles } from '../../cli/protect/stale-files.ts'
import { MIGRATION_FORMATS } from '../../src/protect/render/format-names.ts'
import { renderMigration } from '../../src/protect/render/render.ts'
import { apply, withProtectCase } from './protect-case.ts'
import { UUID_SCHEMA } from './schemas.ts'

const NOW = new Date('2026-03-04T05:06:07Z')

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'partywall-protect-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe('files of an earlier run', () => {
  it.each(MIGRATION_FORMATS)('in the form of %s are stale until they were applied', async (format) => {
    await withProtectCase(UUID_SCHEMA, (given) =>
      inFolder(async (folder) => {
        const plan = await given.plan()
        const files = renderMigration(plan, format, { names: [], journal: undefined }, NOW)
        for (const { path, content } of [
          ...files,
          { path: '0000_partywall_talk.sql', content: '-- ours by name only' },
        ]) {
          await mkdir(dirname(join(folder, path)), { recursive: true })
          await writeFile(join(folder, path), content)
        }
        const own = files.map((file) => file.path).filter((path) => !path.endsWith('.json'))
        expect([...(await staleFiles(folder, plan))].sort()).toEqual([...own].sort())
        await apply(given.owner, plan, 'up')
        expect(await staleFiles(folder, await given.plan())).toEqual([])
      }),
    )
  })

  it('are run by a runner of plain *.sql on the way up alone', async () => {
    await withProtectCase(UUID_SCHEMA, (given) =>
      inFolder(async (folder) => {
        for (const { path, content } of renderMigration(
          await given.plan(),
          'sql',
          { names: [], journal: undefined },
          NOW,
        )) {
          await mkdir(dirname(join(folder, path)), { recursive: true })
          await writeFile(join(folder, path), content)
        }
        const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
        expect(names.length).toBeGreaterThan(3)
        expect(names.filter((name) => !name.endsWith('.up.sql'))).toEqual([])
      }),
    )
  })
})
