import { afterAll, describe, expect, it } from 'vitest'
import { atLeast } from '../../src/verify/finding/finding.ts'
import type { Finding, VerifyReport } from '../../src/verify/index.ts'
import type { VerifyOptions } from '../../src/verify/options.ts'
import { exitCodeOf } from '../../src/verify/report/report-counts.ts'
import { rules } from '../../src/verify/rules/list.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { openCaseDatabase } from './case-database.ts'

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
  /** Tells several cases of one rule apart. */
  readonly name?: string
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
  /**
   * Schemas that are clean of this rule and yet not clean, by name (`repaired`, or a near miss): the other rule that must
   * speak. On all others nothing at all may be said that fails a run.
   */
  readonly beside?: Readonly<Record<string, { readonly rule: string; readonly because: string }>>
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
  describe(given.name === undefined ? rule : `${rule}: ${given.name}`, () => {
    describe('the hole', () => {
      // What verify says of it is asked for once, and the fix is applied where the hole still stands.
      let opened: OpenCase | undefined
      let said: VerifyReport | undefined
      const look = async () => {
        opened ??= await openCase([base, given.hole])
        said ??= await opened.verify(options)
        return { ...opened, report: said }
      }
      afterAll(() => opened?.close())
      it(`speaks of the hole${(given.proof ?? 'exploited') === 'exploited' ? ', confirmed by an attack' : ''}`, async () => {
        const { report, role } = await look()
        const object = given.object.replace(/\{([a-z_]+)\}/g, (_, name: string) => role(name))
        const finding = speaks(report).find((candidate) => candidate.object === object)
        expect(finding, describeFindings(report)).toBeDefined()
        expect(finding?.proof, describeFindings(report)).toBe(given.proof ?? 'exploited')
        if (given.severity !== undefined) expect(finding?.severity).toBe(given.severity)
        expect(report.summary.internalErrors).toEqual([])
      })
      if (given.fixMends !== false) {
        it('gives a fix that can be run and mends it', async () => {
          const { report, run, verify } = await look()
          for (const finding of speaks(report)) await run(finding.fix)
          const after = await verify(options)
          expect(speaks(after), describeFindings(after)).toEqual([])
        })
      }
    })
    const staysSilent = (name: string, sql: CaseSql, mode?: 'static') =>
      withCase([base, sql], async (verify) => {
        const quick = mode === undefined ? undefined : await verify({ ...options, mode })
        const report = quick !== undefined && speaks(quick).length === 0 ? quick : await verify(options)
        expect(speaks(report), describeFindings(report)).toEqual([])
        expect(report.summary.internalErrors).toEqual([])
        const alarms = report.findings.filter(({ severity }) => atLeast(severity, 'medium')).map(({ rule }) => rule)
        const beside = given.beside?.[name]
        expect([...new Set(alarms)], describeFindings(report)).toEqual(beside === undefined ? [] : [beside.rule])
        if (beside === undefined) expect(exitCodeOf(report), describeFindings(report)).toBe(0)
      })
    // Where the hole is found without attacking, a near miss is first looked at without attacking: a third of the time. Where only an attack
    // finds the hole, the silence of a static run would say nothing.
    let foundStatically: Promise<boolean> | undefined
    const looksFirst = async (): Promise<'static' | undefined> => {
      foundStatically ??= withCase([base, given.hole], async (verify) => {
        const report = await verify({ ...options, mode: 'static' })
        return speaks(report).length > 0
      })
      return (await foundStatically) ? 'static' : undefined
    }
    it('is silent on the repaired schema', () => staysSilent('repaired', given.repaired))
    for (const [name, sql] of Object.entries(given.nearMisses)) {
      it(`is silent on a near miss: ${name}`, async () => staysSilent(name, sql, await looksFirst()))
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

/** A finding whose severity is not that of its rule says why, as a sentence. */
function expectReasons({ findings }: VerifyReport): void {
  for (const { rule, severity, severityReason, key } of findings) {
    const usual = rules.find(({ id }) => id === rule)?.severity
    if (severity === usual) expect([key, severityReason]).toEqual([key, undefined])
    else expect([key, severityReason]).toEqual([key, expect.stringMatching(/^[\w`].{10,}\.$/)])
  }
}

export type RunVerify = (options?: Omit<VerifyOptions, 'databaseUrl'>) => Promise<VerifyReport>
export type RunSql = (sql: string) => Promise<void>

let counter = 0

/** A schema that verify can be run on, until it is closed. */
export interface OpenCase {
  /** Superuser URL of its database. */
  readonly url: string
  readonly verify: RunVerify
  readonly run: RunSql
  /** One query, as superuser. */
  readonly query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>
  readonly role: (name: string) => string
  close(): Promise<void>
}

/** Runs the SQL in an empty database and hands over verify on it. Who opens it closes it: it stands in the worker's only one. */
export async function openCase(sql: readonly CaseSql[]): Promise<OpenCase> {
  counter += 1
  const suffix = `${process.pid}_${counter}`
  const role = (name: string) => `case_${name}_${suffix}`
  const names = new Set([
    'app',
    'owner',
    ...sql.flatMap((text) => [...text.matchAll(/\{([a-z_]+)\}/g)].map((match) => match[1] ?? '')),
  ])
  const fill = (text: string) => text.replace(/\{([a-z_]+)\}/g, (_, name: string) => role(name))
  const database = await openCaseDatabase()
  const { client } = database
  const close = () => database.close([...names].map(role))
  try {
    const creates = [...names].map((name) => `create role ${role(name)} ${name === 'app' ? 'login' : 'nologin'}`)
    await client.query([...creates, `grant create, usage on schema public to ${role('owner')}`].join(';'))
    for (const text of sql) await client.query(fill(text))
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: database.url,
    verify: async (options = {}) => {
      const report = await verifyDatabase({
        appRole: role('app'),
        mode: 'attack',
        ...options,
        databaseUrl: database.url,
      })
      expectReasons(report)
      return report
    },
    run: async (text) => {
      await client.query(fill(text))
    },
    query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
    role,
    close,
  }
}

/** As `openCase`, closed when `fn` has ended. */
export async function withCase<T>(
  sql: readonly CaseSql[],
  fn: (verify: RunVerify, run: RunSql, role: (name: string) => string) => Promise<T>,
): Promise<T> {
  const opened = await openCase(sql)
  try {
    return await fn(opened.verify, opened.run, opened.role)
  } finally {
    await opened.close()
  }
}
