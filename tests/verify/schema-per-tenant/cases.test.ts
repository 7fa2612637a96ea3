// Databases with a schema per tenant: leaky ones, each with an exploit in plain SQL, and clean ones, each with a probe that finds nothing.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../../../src/config/package-root.ts'
import { atLeast } from '../../../src/verify/finding/finding.ts'
import type { VerifyReport } from '../../../src/verify/report/report-model.ts'
import { splitStatements } from '../../../src/verify/sources/split-statements.ts'
import { verifyDatabase } from '../../../src/verify/verify-database.ts'
import { openCaseDatabase } from '../case-database.ts'

const folder = join(packageRoot(), 'tests', 'verify', 'schema-per-tenant', 'cases')

interface Meta {
  readonly rule: string | null
  readonly object?: string
}

function cases(kind: 'leaky' | 'clean') {
  return readdirSync(join(folder, kind)).map((name) => {
    const file = (part: string) => readFileSync(join(folder, kind, name, part), 'utf8')
    const script = file(kind === 'leaky' ? 'exploit.sql' : 'probe.sql')
    const meta: Meta = JSON.parse(file('meta.json'))
    const appRole = /^SET (?:ROLE|SESSION AUTHORIZATION) (\w+);/m.exec(script)?.[1] ?? ''
    return { name, schema: file('schema.sql'), script, meta, appRole }
  })
}

/** What a script reports: texts that begin with PROOF, in a row, an error or a notice. */
async function proofs(client: pg.Client, script: string): Promise<readonly string[]> {
  const said: string[] = []
  const note = (text: unknown) => {
    if (typeof text === 'string' && text.startsWith('PROOF')) said.push(text)
  }
  client.on('notice', (notice) => note(notice.message))
  // One by one, as psql sends them: in a single message, ROLLBACK would also undo the SET ROLE before it.
  for (const { text } of splitStatements(script).statements) {
    const result = await client.query({ text, rowMode: 'array' }).catch((error: Error) => {
      note(error.message)
      if (said.length === 0) throw error
      return { rows: [] }
    })
    for (const row of result.rows) for (const value of row) note(value)
  }
  return said
}

async function inCase<T>(
  { schema, script }: { readonly schema: string; readonly script: string },
  fn: (client: pg.Client, url: string) => Promise<T>,
): Promise<T> {
  const roles = [...new Set(`${schema}${script}`.match(/\b[sk]\d\d_\w+\b/g))]
  const database = await openCaseDatabase()
  try {
    await database.client.query(schema)
    return await fn(database.client, database.url)
  } finally {
    await database.close(roles)
  }
}

function told(report: VerifyReport): string {
  return report.findings
    .map(({ severity, proof, key, message }) => `${severity} ${proof} ${key}: ${message}`)
    .join('\n')
}

describe.each(cases('leaky'))('the leaky database $name', (given) => {
  it('leaks: its exploit finds a row of another tenant', async () => {
    await inCase(given, async (client) => {
      expect(await proofs(client, given.script)).not.toEqual([])
    })
  })

  it('is found by its rule, at least high', async () => {
    await inCase(given, async (_, databaseUrl) => {
      const report = await verifyDatabase({ databaseUrl, appRole: given.appRole, mode: 'attack' })
      expect(report.summary.internalErrors).toEqual([])
      const found = report.findings.filter(
        ({ rule, object }) => rule === given.meta.rule && object === given.meta.object,
      )
      expect(found, told(report)).not.toEqual([])
      expect(
        found.some(({ severity }) => atLeast(severity, 'medium')),
        told(report),
      ).toBe(true)
    })
  })
})

describe.each(cases('clean'))('the clean database $name', (given) => {
  it('keeps its tenants apart: its probe finds nothing', async () => {
    await inCase(given, async (client) => {
      expect(await proofs(client, given.script)).toEqual([])
    })
  })

  it('gets no finding at or above high', async () => {
    await inCase(given, async (_, databaseUrl) => {
      const report = await verifyDatabase({ databaseUrl, appRole: given.appRole, mode: 'attack' })
      expect(report.summary.internalErrors).toEqual([])
      const loud = report.findings.filter(({ severity }) => atLeast(severity, 'high'))
      expect(loud, told(report)).toEqual([])
      // No control can be run for a tenant of which only the hash is known.
      const proved = given.name.includes('hash') ? 'proved-static' : 'proved'
      expect(Object.values(report.tables[0]?.verbs ?? {}), JSON.stringify(report.tables)).toContain(proved)
    })
  })
})
