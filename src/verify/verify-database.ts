import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import type { Queryable, Relation } from '../catalog/model.ts'
import { readCatalog } from '../catalog/read-catalog.ts'
import { parseOptions } from '../config/parse-options.ts'
import { ConfigurationError } from '../errors.ts'
import { requireCanAct } from './attack/can-act.ts'
import { type AttackRun, runAttacks } from './attack/run-attacks.ts'
import { whyBroken } from './broken-run.ts'
import { buildFacts } from './build-facts.ts'
import { connect } from './connect.ts'
import { describeSetting, discover } from './discovery/discover.ts'
import { draftsOf } from './drafts.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import { type JoinedFinding, joinFindings, type RuledDraft } from './join-findings.ts'
import { lookupsOf } from './lookups.ts'
import { type VerifyOptions, verifyOptionsSchema } from './options.ts'
import { makeProofs } from './prove/proofs.ts'
import { countFindings, countVerdicts } from './report-counts.ts'
import type { InternalError, VerifyReport } from './report-model.ts'
import { rules } from './rules/list.ts'
import { loadParser } from './sql/parser.ts'
import { createSqlReader } from './sql/reader.ts'
import { makeVerdicts } from './verdicts.ts'

/**
 * Proves or breaks the tenant isolation of a real database.
 *
 * Reads the catalog, proves what can be proved on the parsed policies, and (mode `attack`) attacks the rest as two planted
 * tenants, as the app's role and each role it can become, in transactions that are always rolled back.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` when it can't run: no such role, no tenant column, missing rights, unreachable
 */
export async function verifyDatabase(options: VerifyOptions): Promise<VerifyReport> {
  const given = parseOptions(verifyOptionsSchema, options, 'verifyDatabase(options)')
  await loadParser()
  const appRole = given.appRole ?? (given.appUrl === undefined ? undefined : await roleOf(given.appUrl))
  const client = await connect(given.databaseUrl, given.signal)
  let facts: Facts
  let attack: boolean
  try {
    await client.query('begin isolation level repeatable read read only')
    await client.query(
      `set local statement_timeout = ${READING_TIMEOUT_MS}; set local lock_timeout = ${given.lockTimeoutMs}`,
    )
    const catalog = await readCatalog(queryable(client))
    const sql = createSqlReader()
    const tenancy = discover(catalog, sql, {
      appRole,
      schemas: given.schemas,
      tenantColumns: given.tenantColumns,
      setting: given.setting,
    })
    const sealed = given.sealSecret !== undefined || isSealed(catalog)
    facts = buildFacts({ catalog, sql, tenancy, sealed, proofs: makeProofs })
    attack = await shouldAttack(client, facts, given.mode)
  } catch (error) {
    throw whyBroken(error, given.signal)
  } finally {
    await client.end().catch(() => {}) // the answers are in; a connection that is gone needs no farewell
  }

  const chosen = rules.filter((rule) => given.rules === undefined || given.rules.includes(rule.id))
  const internalErrors: InternalError[] = []
  const drafts = chosen.flatMap((rule): readonly RuledDraft[] => {
    try {
      return draftsOf(rule, facts).map((draft) => ({ rule, draft }))
    } catch (error) {
      internalErrors.push({ where: `rule ${rule.id}`, message: error instanceof Error ? error.message : String(error) })
      return []
    }
  })
  const run: AttackRun | undefined = attack
    ? await runAttacks({
        facts,
        connect: () => connect(given.databaseUrl, given.signal),
        sealSecret: given.sealSecret,
        contextSql: given.contextSql,
        statementTimeoutMs: given.statementTimeoutMs,
        lockTimeoutMs: given.lockTimeoutMs,
        onProgress: given.onProgress ?? (() => {}),
      }).catch((error: unknown) => {
        throw whyBroken(error, given.signal)
      })
    : undefined
  internalErrors.push(...(run?.internalErrors ?? []))
  const findings = joinFindings(drafts, run?.ledger, rules, lookupsOf(facts)).filter(
    (finding) => given.rules === undefined || given.rules.includes(finding.rule),
  )
  return report(facts, findings, run, chosen.length, internalErrors)
}

/** Far more than the catalog of a large database takes. */
const READING_TIMEOUT_MS = 120_000

function report(
  facts: Facts,
  joined: readonly JoinedFinding[],
  run: AttackRun | undefined,
  ruleCount: number,
  internalErrors: readonly InternalError[],
): VerifyReport {
  const tables = makeVerdicts(facts, joined, run?.ledger)
  const findings = joined.map(({ verbs: _verbs, tables: _tables, ...finding }): Finding => finding)
  const { tenancy, catalog } = facts
  return {
    version: 1,
    findings,
    tables,
    summary: {
      database: catalog.database.name,
      serverVersion: catalog.serverVersion,
      mode: run === undefined ? 'static' : 'attack',
      sealed: facts.sealed,
      appRole: tenancy.appRole.name,
      actingRoles: facts.acting.map((role) => role.role.name),
      tenantColumns: tenancy.columnNames,
      setting: describeSetting(tenancy.context),
      rootTable: tenancy.root?.relation.label,
      notes: [...tenancy.notes, ...timeOuts(run)],
      counts: {
        findings: countFindings(findings),
        verdicts: countVerdicts(tables),
        rules: ruleCount,
        attacks: run?.attacks ?? 0,
        probes: run?.probes ?? 0,
        tables: tables.length,
        tablesPlanted: run?.planted ?? 0,
      },
      internalErrors,
    },
  }
}

function timeOuts(run: AttackRun | undefined): string[] {
  const count = run?.timedOut ?? 0
  if (count === 0) return []
  return [`${count} ${count === 1 ? 'probe' : 'probes'} of the attacks ran into the time limit and saw nothing`]
}

function queryable(client: pg.Client): Queryable {
  return { query: (text, values) => client.query(text, values === undefined ? undefined : [...values]) }
}

async function roleOf(url: string): Promise<string> {
  const client = await connect(url, undefined)
  try {
    const { rows } = await client.query<{ name: string }>('select session_user::text as name')
    return rows[0]?.name ?? ''
  } finally {
    await client.end()
  }
}

/** A seal policy anywhere says that the schema means to be sealed. */
function isSealed(catalog: Catalog): boolean {
  return [...catalog.relations.values()].some((relation: Relation) =>
    relation.policies.some((policy) => policy.using?.includes('partywall.tenant_id()') === true),
  )
}

async function shouldAttack(client: pg.Client, facts: Facts, mode: 'auto' | 'static' | 'attack'): Promise<boolean> {
  if (mode === 'static') return false
  const { rows } = await client.query<{ standby: boolean; filled: number }>(
    `select pg_catalog.pg_is_in_recovery() as standby, count(*)::int as filled
     from pg_catalog.pg_class where oid = any($1::oid[]) and relkind in ('r', 'm') and pg_catalog.pg_relation_size(oid) > 0`,
    [[...facts.tenancy.tables.keys()]],
  )
  const { standby = false, filled = 0 } = rows[0] ?? {}
  if (standby && mode === 'attack')
    throw new ConfigurationError(
      'This server is a standby: nothing can be planted there. Attack the primary, or use --static.',
    )
  const attack = mode === 'attack' || (!standby && filled === 0)
  if (attack) requireCanAct(facts)
  return attack
}
