import { expect } from 'vitest'
import { runWithTenant } from '../../src/context/run-with-tenant.ts'
import type { SecurityEventOf } from '../../src/events/security-events.ts'
import type { Partywall, PartywallConfig } from '../../src/partywall.ts'
import { afterFile } from './after-file.ts'
import { createTestDatabase, createTestTenant, type TestDatabase, type TestTenant } from './database.ts'
import { createTestWall } from './wall.ts'

/** A wall that has seen `ready()` and watches its own database, with two tenants. */
export interface Watched {
  readonly database: TestDatabase
  readonly wall: Partywall
  readonly a: TestTenant
  readonly b: TestTenant
  /** All that was told of the protection, oldest first. */
  readonly told: readonly ProtectionEvent[]
  /** All that the wall logged, oldest first. */
  readonly notes: readonly string[]
  /** Titles of all documents that tenant A sees; rejects while tenants are refused. */
  titles(): Promise<readonly string[]>
  /** Resolves when tenants are refused for a change of one of these objects. */
  lost(...objects: readonly string[]): Promise<void>
  /** Resolves when tenants are served again and see their own rows only. */
  back(): Promise<void>
  /** Resolves when a change was noticed, passed the checks and was recorded. */
  accepted(object: RegExp): Promise<void>
}

type ProtectionEvent = SecurityEventOf<'PROTECTION_CHANGED'> | SecurityEventOf<'PROTECTION_RESTORED'>

export const refused = { code: 'PARTYWALL_PROTECTION_LOST', status: 503 }
const PATIENCE = { timeout: 15_000, interval: 25 }

/**
 * @param changes options of the wall; the watch looks every 100 ms
 * @param prepare run before `ready()`; may give more options
 */
export async function createWatched(
  changes: Partial<PartywallConfig> = {},
  prepare: (database: TestDatabase) => Promise<Partial<PartywallConfig> | undefined> = async () => undefined,
): Promise<Watched> {
  const database = await createTestDatabase()
  const more = (await prepare(database)) ?? {}
  const [a, b] = [await createTestTenant(database), await createTestTenant(database)]
  const notes: string[] = []
  const note = (fields: object, message: string) => void notes.push(`${message} ${JSON.stringify(fields)}`)
  const { wall } = await createTestWall(database, {
    protectionWatch: { intervalMs: 100 },
    logger: { debug() {}, info: note, warn: note, error: note },
    ...changes,
    ...more,
  })
  const told: ProtectionEvent[] = []
  wall.events.on('PROTECTION_CHANGED', (event) => told.push(event))
  wall.events.on('PROTECTION_RESTORED', (event) => told.push(event))
  await wall.ready()

  const titles = async () => {
    const { rows } = await runWithTenant({ tenantId: a.id, userId: a.userId }, () =>
      wall.pool.query<{ title: string }>('select title from public.documents order by title'),
    )
    return rows.map((row) => row.title)
  }
  return {
    database,
    wall,
    a,
    b,
    told,
    notes,
    titles,
    async lost(...objects) {
      const named = () => {
        const last = told.at(-1)
        return last?.type === 'PROTECTION_CHANGED' ? last.objects.join('\n') : last?.type
      }
      for (const object of objects) await expect.poll(named, PATIENCE).toMatch(object)
      await expect(titles()).rejects.toMatchObject(refused)
    },
    async back() {
      const seen = () => titles().then((list) => String(list.length), refusalOf)
      // The last note says why it is still lost.
      const refusalOf = (error: unknown) => `${String(error)} ${notes.at(-1)}`
      await expect.poll(seen, PATIENCE).toBe('1')
    },
    async accepted(object) {
      await expect
        .poll(() => notes.slice(-5).join('\n'), PATIENCE)
        .toMatch(new RegExp(`passed all checks.*${object.source}`))
      expect(await titles()).toHaveLength(1)
    },
  }
}

/** Undoes what tests change for the whole server when the file's tests are over. */
export function afterwards(database: TestDatabase, ...statements: readonly string[]): void {
  afterFile(async () => {
    for (const statement of statements) await database.admin(statement).catch(() => {})
  })
}
