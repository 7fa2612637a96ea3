import pg from 'pg'
import { describe, expect, inject, it } from 'vitest'
import { openThrowAwayServer } from '../../src/embedded/throw-away-server.ts'
import type { Finding, VerifyReport } from '../../src/verify/index.ts'
import type { VerifyOptions } from '../../src/verify/options.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'

/**
 * Roles belong to the whole server, so SQL of a case writes them in braces: `{app}` is the app's login role, `{owner}` owns
 * the tables, any other name is a NOLOGIN role that is made for the case. They are created before the SQL runs.
 */
export type CaseSql = string

/** A tenants table, a table that holds, and the app's grants: what most cases stand on. */
export const HOLDING = `
  create table tenants (id uuid primary key default gen_random_uuid(), name text not null);
  create table documents (
    id uuid not null default gen_random_uuid(), tenant_id uuid not null references tenants (id), title text not null, primary key (tenant_id, id));
  alter table tenants owner to {owner}; alter table documents owner to {owner};
  alter table tenants enable row level security, force row level security;
  create policy own on tenants using (id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  alter table documents enable row level security, force row level security;
  create policy tenant_isolation on documents using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
  grant select on tenants to {app};
  grant select, insert, update, delete on documents to {app};`

export interface RuleCase {
  /** Run before hole, repaired and near misses alike. Default HOLDING; '' for none. */
  readonly base?: CaseSql
  readonly hole: CaseSql
  readonly repaired: CaseSql
  /** Schemas that look like the hole and are none. */
  readonly nearMisses: Readonly<Record<string, CaseSql>>
  /** The object that the finding must name; roles in braces, as in SQL. */
  readonly object: string
  /** Default `exploited`: an attack must have confirmed it. */
  readonly proof?: Finding['proof']
  readonly severity?: Finding['severity']
  readonly options?: Omit<VerifyOptions, 'databaseUrl'>
  /** False where the fix is a decision of a person (comments only). Default true: the fix is applied and must mend. */
  readonly fixMends?: boolean
}

/** Tests one rule: it speaks of the hole, its fix mends it, and it is silent on the repaired schema and on near misses. */
export function ruleCase(rule: string, given: RuleCase): void {
  const base = given.base ?? HOLDING
  // What no attack confirms is looked for without attacking: half the time.
  const options = { ...(given.proof === 'static' ? { mode: 'static' as const } : {}), ...given.options }
  const speaks = (report: VerifyReport) =>
    report.findings.filter((finding) => finding.rule === rule && finding.severity !== 'info')
  describe(rule, () => {
    it('speaks of the hole', async () => {
      await withCase([base, given.hole], async (verify, _run, role) => {
        const report = await verify(options)
        const object = given.object.replace(/\{([a-z_]+)\}/g, (_, name: string) => role(name))
        const finding = speaks(report).find((candidate) => candidate.object === object)
        expect(finding, describeFindings(report)).toBeDefined()
        expect(finding?.proof, describeFindings(report)).toBe(given.proof ?? 'exploited')
        if (given.severity !== undefined) expect(finding?.severity).toBe(given.severity)
        expect(report.summary.internalErrors).toEqual([])
      })
    })
    if (given.fixMends !== false) {
      it('gives a fix that can be run and mends it', async () => {
        await withCase([base, given.hole], async (verify, run) => {
          const before = speaks(await verify(options))
          for (const finding of before) await run(finding.fix)
          const after = await verify(options)
          expect(speaks(after), describeFindings(after)).toEqual([])
        })
      })
    }
    it('is silent on the repaired schema', async () => {
      await withCase([base, given.repaired], async (verify) => {
        const report = await verify(options)
        expect(speaks(report), describeFindings(report)).toEqual([])
        expect(report.summary.internalErrors).toEqual([])
      })
    })
    for (const [name, sql] of Object.entries(given.nearMisses)) {
      it(`is silent on a near miss: ${name}`, async () => {
        await withCase([base, sql], async (verify) => {
          const report = await verify(options)
          expect(speaks(report), describeFindings(report)).toEqual([])
          expect(report.summary.internalErrors).toEqual([])
        })
      })
    }
  })
}

function describeFindings(report: VerifyReport): string {
  return report.findings
    .map(
      (finding) =>
        `${finding.severity} ${finding.proof} ${finding.key}: ${finding.message} ${finding.evidence.join('; ')}`,
    )
    .join('\n')
}

export type RunVerify = (options?: Omit<VerifyOptions, 'databaseUrl'>) => Promise<VerifyReport>
export type RunSql = (sql: string) => Promise<void>

let counter = 0

/** Makes a database of one's own with the SQL, hands over verify on it, and drops it with its roles. */
export async function withCase(
  sql: readonly CaseSql[],
  fn: (verify: RunVerify, run: RunSql, role: (name: string) => string) => Promise<void>,
): Promise<void> {
  const provided = inject('postgres')
  const server = await openThrowAwayServer(provided.url, { external: true, end: async () => {} })
  counter += 1
  const suffix = `${process.pid}_${counter}`
  const role = (name: string) => `case_${name}_${suffix}`
  const names = new Set([
    'app',
    'owner',
    ...sql.flatMap((text) => [...text.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? '')),
  ])
  const fill = (text: string) => text.replace(/\{([a-z_]+)\}/g, (_, name: string) => role(name))
  const database = await server.createDatabase()
  const client = new pg.Client({ connectionString: server.url(database) })
  client.on('error', () => {}) // the database is dropped under it when a test fails
  await client.connect()
  try {
    for (const name of names) await client.query(`create role ${role(name)} ${name === 'app' ? 'login' : 'nologin'}`)
    await client.query(`grant create, usage on schema public to ${role('owner')}`)
    // What a new database has, and a clone of ours has not.
    await client.query(`grant temporary on database ${database} to public`)
    for (const text of sql) await client.query(fill(text))
    await fn(
      (options = {}) =>
        verifyDatabase({ appRole: role('app'), mode: 'attack', ...options, databaseUrl: server.url(database) }),
      async (text) => {
        await client.query(fill(text))
      },
      role,
    )
  } finally {
    // Default privileges and grants on the database would keep the roles alive.
    for (const name of names) await client.query(`drop owned by ${role(name)} cascade`).catch(() => {})
    await client.end()
    await server.dropDatabase(database)
    const cleaner = new pg.Client({ connectionString: provided.url })
    await cleaner.connect()
    for (const name of names) await cleaner.query(`drop role if exists ${role(name)}`).catch(() => {})
    await cleaner.end()
  }
}
