import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { renderMigration, type TargetFolder } from '../../src/protect/render/render.ts'
import { withProtectCase } from './protect-case.ts'
import { UUID_SCHEMA } from './schemas.ts'

const EMPTY: TargetFolder = { names: [], journal: undefined }
const NOW = new Date('2026-03-04T05:06:07Z')

describe('the migration as files', () => {
  it('is numbered behind what the folder holds, with indexes and backfill apart', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const files = renderMigration(await given.plan(), 'sql', { names: ['0041_x.sql'], journal: undefined }, NOW)
      expect(files.map((file) => file.path).filter((path) => path.endsWith('.up.sql'))).toEqual([
        '0042_partywall_columns.up.sql',
        '0043_partywall_backfill.up.sql',
        '0044_partywall_indexes.up.sql',
        '0045_partywall_keys.up.sql',
        '0046_partywall_validate.up.sql',
        '0047_partywall.up.sql',
      ])
      for (const file of files)
        expect(/^BEGIN;$/m.test(file.content), file.path).toBe(!/backfill|indexes|validate/.test(file.path))
    })
  })

  it.each(['sql', 'knex', 'flyway', 'prisma', 'drizzle'] as const)(
    'has the decisions in the form of %s also where it only builds indexes',
    async (format) => {
      await withProtectCase(UUID_SCHEMA, async (given) => {
        const plan = await given.plan()
        const decisions = [{ object: 'public.users', reason: 'who may write it?', sql: 'SELECT 1;' }]
        const journal = JSON.stringify({ version: '7', dialect: 'postgresql', entries: [] })
        for (const changes of [plan.changes, plan.changes.filter(({ phase }) => phase === 'indexes')]) {
          const folder = format === 'drizzle' ? { names: [], journal } : EMPTY
          const files = renderMigration({ ...plan, changes, decisions }, format, folder, NOW)
          expect(files.filter(({ content }) => content.includes('who may write it?'))).toHaveLength(1)
          expect(files.filter(({ content }) => content.includes('TO DECIDE. These'))).toHaveLength(1)
        }
      })
    },
  )

  it('runs up and down as Prisma runs it: one message, one transaction', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const before = await given.fingerprint()
      const files = renderMigration(await given.plan(), 'prisma', EMPTY, NOW)
      expect(files.map((file) => file.path)).toEqual([
        '20260304050607_partywall/migration.sql',
        '20260304050607_partywall/down.sql',
      ])
      await given.owner.query(files[0]?.content ?? '')
      expect((await given.plan()).changes).toEqual([])
      await given.owner.query(files[1]?.content ?? '')
      expect(await given.fingerprint()).toBe(before)
    })
  })

  it('runs as drizzle runs it: statement by statement in one transaction, in order of the journal', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const journal = JSON.stringify({
        version: '7',
        dialect: 'postgresql',
        entries: [{ idx: 0, version: '7', when: NOW.getTime() + 5, tag: '0000_first', breakpoints: true }],
      })
      const files = renderMigration(await given.plan(), 'drizzle', { names: ['0000_first.sql'], journal }, NOW)
      expect(files.map((file) => file.path)).toEqual([
        '0001_partywall.sql',
        'down/0001_partywall.sql',
        'meta/_journal.json',
      ])
      // The text before the new entry stays as it was, in the order of its keys.
      const before = JSON.stringify(JSON.parse(journal), null, 2).split('\n').slice(0, -3).join('\n')
      expect(files[2]?.content.startsWith(before)).toBe(true)
      expect(JSON.parse(files[2]?.content ?? '').entries[1]).toEqual({
        idx: 1,
        version: '7',
        when: NOW.getTime() + 6,
        tag: '0001_partywall',
        breakpoints: true,
      })
      await given.owner.query('begin')
      for (const statement of (files[0]?.content ?? '').split('--> statement-breakpoint'))
        await given.owner.query(statement)
      await given.owner.query('commit')
      expect((await given.plan()).changes).toEqual([])
    })
  })

  it('runs up and down as knex runs it, whatever the names hold', async () => {
    const odd = `create table "a\`b\${c}?" (id uuid primary key default gen_random_uuid(), tenant_id uuid);`
    await withProtectCase(UUID_SCHEMA + odd, async (given) => {
      const before = await given.fingerprint()
      const folder = await mkdtemp(join(tmpdir(), 'partywall-'))
      try {
        const loaded: { up(knex: unknown): Promise<void>; down(knex: unknown): Promise<void>; config?: unknown }[] = []
        for (const file of renderMigration(await given.plan(), 'knex', EMPTY, NOW)) {
          await writeFile(join(folder, file.path), file.content)
          loaded.push(createRequire(import.meta.url)(join(folder, file.path)))
        }
        // What knex makes of raw SQL: an escaped question mark is a question mark.
        const knex = { raw: (sql: string) => given.owner.query(sql.replaceAll('\\?', '?')) }
        const run = async (each: (typeof loaded)[number], direction: 'up' | 'down') => {
          const inTransaction = each.config === undefined
          if (inTransaction) await given.owner.query('begin')
          await each[direction](knex)
          if (inTransaction) await given.owner.query('commit')
        }
        for (const each of loaded) await run(each, 'up')
        expect((await given.plan()).changes).toEqual([])
        for (const each of loaded.toReversed()) await run(each, 'down')
        expect(await given.fingerprint()).toBe(before)
      } finally {
        await rm(folder, { recursive: true })
      }
    })
  })

  it('is written for Flyway with undo files, and tells it what refuses a transaction', async () => {
    await withProtectCase(UUID_SCHEMA, async (given) => {
      const paths = renderMigration(await given.plan(), 'flyway', EMPTY, NOW).map((file) => file.path)
      expect(paths).toContain('V20260304050612__partywall.sql')
      expect(paths).toContain('U20260304050612__partywall.sql')
      expect(paths.filter((path) => path.startsWith('V') && path.endsWith('.conf'))).toEqual([
        'V20260304050608__partywall_backfill.sql.conf',
        'V20260304050609__partywall_indexes.sql.conf',
        'V20260304050611__partywall_validate.sql.conf',
      ])
    })
  })
})
