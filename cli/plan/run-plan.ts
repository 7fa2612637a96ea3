import type pg from 'pg'
import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { statementCommand, statementKind } from '../../src/database/statement/statement-kind.ts'
import { ConfigurationError } from '../../src/errors.ts'
import { enterTenant, isSealed, readFacts, refuseRoles, rolesOfPools } from '../../src/explain/tenant-session.ts'
import type { Facts } from '../../src/tenancy/facts.ts'
import { connect } from '../../src/verify/connect.ts'
import { databaseUrlFrom } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { withProjectConfig } from '../shared/project-settings.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'
import { statementRefusal } from './statement-refusal.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  sql: text,
  tenant: text,
  databaseUrl: text.optional(),
  analyze: z.boolean().default(false),
  param: z.array(z.string()).default([]),
  set: z.array(z.string().regex(/^[A-Za-z_][\w.]*=/, 'must have the form name=value')).default([]),
  level: z.enum(['tenant_user', 'tenant_admin']).optional(),
  role: text.optional(),
  appRole: text.optional(),
  setting: text.optional(),
  sealSecretEnv: text.default('PARTYWALL_SEAL_SECRET'),
  json: z.boolean().default(false),
})
type PlanSettings = z.infer<typeof schema>

const ROWS = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])
const READING = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE'])
const TIMEOUT_MS = 60_000

/**
 * Runs `partywall plan` with the flags of the command line.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a statement that is not allowed or that PostgreSQL refuses, a role that can't be
 *   used, and a missing root secret
 */
export async function runPlan(flags: unknown, print: (line: string) => void): Promise<void> {
  const configured = await withProjectConfig(flags, ['databaseUrl', 'appRole', 'setting', 'level'])
  const settings = parseOptions(schema, configured, 'partywall plan')
  refuseStatement(settings)
  const databaseUrl = databaseUrlFrom(settings.databaseUrl)
  await untilInterrupted(undefined, async (signal) => {
    const client = await connect(databaseUrl, signal)
    try {
      const facts = await readFacts(client, settings)
      const [role] = chosenRole(settings) ?? rolesOfPools(facts)
      refuseRoles(facts, role, 'plans show rows of other tenants')
      const plan = await explain(client, facts, role, settings)
      if (settings.json) {
        print(JSON.stringify({ tenant: settings.tenant, role, analyzed: settings.analyze, plan }, undefined, 2))
        return
      }
      print(`-- tenant ${settings.tenant}, role ${role}, rolled back`)
      for (const line of plan) print(String(line))
    } finally {
      await client.end().catch(() => {}) // all answers were read, so an error while closing does not matter
    }
  })
}

function refuseStatement({ sql, analyze }: PlanSettings): void {
  const command = statementCommand(sql)
  const kind = statementKind(sql)
  if (kind === 'explain')
    throw new ConfigurationError(
      'Give the statement without EXPLAIN; --analyze and --json choose the form of the plan.',
    )
  if (kind !== 'data' || (command !== '' && !ROWS.has(command)))
    throw new ConfigurationError(
      'partywall plan takes one SELECT, INSERT, UPDATE, DELETE or MERGE. Other commands have no plan.',
    )
  if (analyze && command !== '' && !READING.has(command))
    throw new ConfigurationError(
      `--analyze runs the statement, so it takes a SELECT only, and this is ${command}. Leave --analyze out: the plan is the same.`,
    )
}

async function explain(
  client: pg.Client,
  facts: Facts,
  role: string,
  settings: PlanSettings,
): Promise<readonly unknown[]> {
  const options = [settings.json ? 'format json' : 'format text', ...(settings.analyze ? ['analyze', 'buffers'] : [])]
  await client.query(settings.analyze ? 'begin read only' : 'begin')
  try {
    await client.query("select pg_catalog.set_config('statement_timeout', $1, true)", [String(TIMEOUT_MS)])
    const { tenant, set } = settings
    await enterTenant(client, facts, role, { tenant, set, secret: secretOf(facts, settings), readOnly: true })
    // A name makes pg use the extended protocol, in which the server refuses a second statement.
    const before = `explain (${options.join(', ')}) `
    const { rows } = await client
      .query<{ 'QUERY PLAN': unknown }>({
        name: 'partywall_plan',
        text: `${before}${settings.sql}`,
        values: settings.param,
      })
      .catch((error: unknown) => {
        throw statementRefusal(error, { before, role, otherLevels: otherLevels(facts, role, settings) })
      })
    return rows.flatMap((row) => row['QUERY PLAN'])
  } finally {
    await client.query('rollback').catch(() => {}) // a broken connection rolls back by itself
  }
}

function chosenRole({ role, level }: PlanSettings): readonly [string] | undefined {
  const chosen = role ?? level
  return chosen === undefined ? undefined : [chosen]
}

/** The levels that the application may use too, if the command line and the configuration did not choose one. */
function otherLevels(facts: Facts, role: string, settings: PlanSettings): readonly string[] {
  return chosenRole(settings) === undefined ? rolesOfPools(facts).filter((each) => each !== role) : []
}

/** Returns the root secret. Without --analyze it may be missing: the statement is not run, so the plan does not depend on the seal. */
function secretOf(facts: Facts, { sealSecretEnv, analyze }: PlanSettings): string | undefined {
  const secret = environment(sealSecretEnv)
  if (secret !== undefined) return secret
  if (analyze && isSealed(facts))
    throw new ConfigurationError(
      `The tables are sealed: without the root secret the statement finds no row. Set ${sealSecretEnv}, or leave --analyze out.`,
    )
  return undefined
}
