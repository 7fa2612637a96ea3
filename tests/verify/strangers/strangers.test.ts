import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { atLeast } from '../../../src/verify/finding/finding.ts'
import type { VerifyReport } from '../../../src/verify/index.ts'
import { exitCodeOf } from '../../../src/verify/report/report-counts.ts'
import { type OpenCase, openCase } from '../rule-case.ts'
import { CLEAN } from './clean.ts'
import { LEAKY } from './leaky.ts'
import type { Stranger } from './parts.ts'

describe('schemas in shapes unlike ours', () => {
  for (const [name, stranger] of Object.entries(LEAKY))
    it(`finds the hole that plain SQL shows: ${name}`, () =>
      opened(stranger, async (schema) => {
        expect(await reached(schema, stranger)).toBeGreaterThan(0)
        await schema.run(EMPTY)
        const report = await schema.verify()
        expect(loud(report), describeReport(report)).not.toEqual([])
        expect(exitCodeOf(report, 'high')).toBe(1)
      }))
  for (const [name, stranger] of Object.entries(CLEAN))
    it(`raises no alarm where plain SQL reaches nothing: ${name}`, () =>
      opened(stranger, async (schema) => {
        expect(await reached(schema, stranger)).toBe(0)
        if (stranger.own !== undefined) expect(await asAnn(schema, stranger, [stranger.own])).toBeGreaterThan(0)
        await schema.run(EMPTY)
        const report = await schema.verify()
        expect(loud(report), describeReport(report)).toEqual([])
        expect(report.summary.internalErrors).toEqual([])
        expect(report.summary.counts.verdicts.unreliable, describeReport(report)).toBe(0)
      }))
  it('are twenty of each', () => {
    expect(Object.keys(LEAKY)).toHaveLength(20)
    expect(Object.keys(CLEAN)).toHaveLength(20)
  })
})

/** verify plants its own rows. */
const EMPTY = `do $$ declare t text; begin for t in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'public' loop execute 'truncate ' || t || ' cascade'; end loop; end $$`

async function opened(stranger: Stranger, fn: (schema: OpenCase) => Promise<void>): Promise<void> {
  const schema = await openCase([stranger.schema, stranger.seed])
  try {
    await fn(schema)
  } finally {
    await schema.close()
  }
}

/** What of bob's the attack reached: what ann was shown, or what is changed afterwards. */
async function reached(schema: OpenCase, stranger: Stranger): Promise<number> {
  return asAnn(schema, stranger, stranger.attack, stranger.look)
}

async function asAnn(
  schema: OpenCase,
  { session }: Stranger,
  statements: readonly string[],
  look?: string,
): Promise<number> {
  const client = new pg.Client({ connectionString: schema.url })
  await client.connect()
  try {
    await client.query('begin')
    await client.query(`set local session authorization ${schema.role('app')}`)
    await client.query(session)
    let last = 0
    for (const statement of statements) {
      await client.query('savepoint attack')
      const answer = await client.query<{ n?: number }>(statement).catch(async () => {
        await client.query('rollback to savepoint attack')
        return undefined
      })
      last = answer?.rows[0]?.n ?? 0
    }
    if (look === undefined) return last
    await client.query('set local session authorization default')
    const { rows } = await client.query<{ n: number }>(look)
    return Math.max(last, rows[0]?.n ?? 0)
  } finally {
    await client.query('rollback').catch(() => {}) // the server has ended the session already
    await client.end()
  }
}

function loud(report: VerifyReport): readonly string[] {
  return report.findings.filter(({ severity }) => atLeast(severity, 'high')).map(({ key }) => key)
}

function describeReport(report: VerifyReport): string {
  return [
    ...report.findings.map(({ severity, proof, key, message }) => `${severity} ${proof} ${key}: ${message}`),
    ...report.tables.map(
      ({ object, verbs, reasons }) => `${object} ${JSON.stringify(verbs)} ${JSON.stringify(reasons)}`,
    ),
  ].join('\n')
}
