import type pg from 'pg'
import { z } from 'zod'
import type { Queryable } from '../src/catalog/model.ts'
import { quoteIdentifier } from '../src/catalog/names.ts'
import { readCatalog } from '../src/catalog/read-catalog.ts'
import { parseOptions } from '../src/config/parse-options.ts'
import { statementCommand, statementKind } from '../src/database/statement/statement-kind.ts'
import { ConfigurationError } from '../src/errors.ts'
import { makeProofs } from '../src/prove/proofs.ts'
import { SealSource } from '../src/seal/seal-source.ts'
import { loadParser } from '../src/sql/parser.ts'
import { createSqlReader } from '../src/sql/reader.ts'
import { buildFacts } from '../src/tenancy/build-facts.ts'
import { discover } from '../src/tenancy/discovery/discover.ts'
import type { Facts } from '../src/tenancy/facts.ts'
import { settingText } from '../src/verify/attack/contexts.ts'
import { connect } from '../src/verify/connect.ts'
import { databaseUrlFrom } from './database-url.ts'
import { untilInterrupted } from './until-interrupted.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  sql: text,
  tenant: text,
  databaseUrl: text.optional(),
  analyze: z.boolean().default(false),
  param: z.array(z.string()).default([]),
  set: z.array(z.string().regex(/^[A-Za-z_][\w.]*=/, 'must have the form name=value')).default([]),
  role: text.optional(),
  appRole: text.optional(),
  setting: text.optional(),
  sealSecretEnv: text.default('PARTYWALL_SEAL_SECRET'),
  json: z.boolean().default(false),
})
type PlanSettings = z.infer<typeof schema>

const ROWS = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE', 'INSERT', 'UPDATE', 'DELETE', 'MERGE'])
const READING = new Set(['SELECT', 'WITH', 'VALUES', 'TABLE'])
const SEALED_SECONDS = 300
const TIMEOUT_MS = 60_000

/**
 * Runs `partywall plan` with the flags of the command line.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for a statement that is not allowed, a role that can't be taken, and a missing seal
 */
export async function runPlan(flags: unknown, print: (line: string) => void): Promise<void> {
  const settings = parseOptions(schema, flags, 'partywall plan')
  refuseStatement(settings)
  const databaseUrl = databaseUrlFrom(settings.databaseUrl)
  await untilInterrupted(undefined, async (signal) => {
    const client = await connect(databaseUrl, signal)
    try {
      const facts = await factsOf(client, settings)
      const role = settings.role ?? roleOf(facts)
      refuseRoles(facts, role)
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

function refuseRoles({ catalog, tenancy }: Facts, role: string): void {
  if (catalog.reader.name === tenancy.appRole.name)
    throw new ConfigurationError(
      `--database-url logs in as ${catalog.reader.name}, the application's login. Use the migration role: plans show rows of other tenants.`,
    )
  if (![...catalog.roles.values()].some(({ name }) => name === role))
    throw new ConfigurationError(`--role: there is no role ${role}.`)
}

async function factsOf(client: pg.Client, { appRole, setting }: PlanSettings): Promise<Facts> {
  await loadParser()
  await client.query('begin isolation level repeatable read read only')
  const db: Queryable = {
    query: (sql, values) => client.query(sql, values === undefined ? undefined : [...values]),
  }
  const catalog = await readCatalog(db)
  await client.query('rollback')
  const reader = createSqlReader()
  const tenancy = discover(catalog, reader, { appRole, setting })
  return buildFacts({ catalog, sql: reader, tenancy, sealed: false, loginDoubt: undefined, proofs: makeProofs })
}

/** The role of partywall's pools, if the application can take it; otherwise the application's login. */
function roleOf({ acting, tenancy }: Facts): string {
  return acting.find(({ role }) => role.name === 'tenant_user')?.role.name ?? tenancy.appRole.name
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
    for (const [name, value] of await contextOf(client, facts, role, settings))
      await client.query('select pg_catalog.set_config($1, $2, true)', [name, value])
    await client.query(`set local role ${quoteIdentifier(role)}`).catch((error: unknown) => {
      throw new ConfigurationError(
        `The role of --database-url can't run statements as ${role}. Use the migration role, or grant it: GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(facts.catalog.reader.name)};`,
        { cause: error },
      )
    })
    // A name makes pg use the extended protocol, in which the server refuses a second statement.
    const { rows } = await client.query<{ 'QUERY PLAN': unknown }>({
      name: 'partywall_plan',
      text: `explain (${options.join(', ')}) ${settings.sql}`,
      values: settings.param,
    })
    return rows.flatMap((row) => row['QUERY PLAN'])
  } finally {
    await client.query('rollback').catch(() => {}) // a broken connection rolls back by itself
  }
}

/** The settings of the session, in the order in which they are made. */
async function contextOf(
  client: pg.Client,
  { tenancy, catalog }: Facts,
  role: string,
  settings: PlanSettings,
): Promise<readonly (readonly [string, string])[]> {
  const further = settings.set.map((each): readonly [string, string] => {
    const end = each.indexOf('=')
    return [each.slice(0, end), each.slice(end + 1)]
  })
  const { context } = tenancy
  if (context.kind === 'key' && !further.some(([name]) => name === context.setting))
    throw new ConfigurationError(
      `The policies ask ${context.setting} for a key of ${context.table.label}, and not for a tenant. Give it with --set ${context.setting}=VALUE.`,
    )
  const own: readonly (readonly [string, string])[] =
    context.kind === 'key' ? [] : [[context.setting, settingText(context, settings.tenant)]]
  const isSealed = [...catalog.relations.values()].some((relation) =>
    relation.policies.some(({ name }) => name === 'tenant_seal_policy'),
  )
  const seal = isSealed ? await sealOf(client, role, settings) : []
  return [['statement_timeout', String(TIMEOUT_MS)], ...own, ...seal, ...further]
}

async function sealOf(
  client: pg.Client,
  role: string,
  { tenant, sealSecretEnv, analyze }: PlanSettings,
): Promise<readonly (readonly [string, string])[]> {
  const secret = process.env[sealSecretEnv] ?? ''
  if (secret === '') {
    // Without --analyze nothing is run, so that the plan does not depend on the seal.
    if (!analyze) return []
    throw new ConfigurationError(
      `The tables are sealed: without the root secret the statement finds no row. Set ${sealSecretEnv}, or leave --analyze out.`,
    )
  }
  const { rows } = await client.query<{ database: string; pid: number }>(
    'select pg_catalog.current_database()::text as database, pg_catalog.pg_backend_pid() as pid',
  )
  const [place] = rows
  if (place === undefined) return []
  const subject = {
    tenantId: tenant,
    userId: '',
    actor: '',
    level: role === 'tenant_admin' ? 'tenant_admin' : 'tenant_user',
    readOnly: true,
  } as const
  const notAfter = Math.floor(Date.now() / 1000) + SEALED_SECONDS
  const { maker } = new SealSource(secret)
  return [['app.tenant_seal', maker.seal(subject, { database: place.database, backendPid: place.pid }, notAfter)]]
}
