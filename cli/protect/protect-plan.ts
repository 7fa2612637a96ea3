import type { Catalog } from '../../src/catalog/catalog.ts'
import type { Queryable } from '../../src/catalog/model.ts'
import { ConfigurationError } from '../../src/errors.ts'
import type { ProtectPlan } from '../../src/protect/change.ts'
import { readCrossings } from '../../src/protect/crossing/read-crossings.ts'
import { tellClean, tellCrossings } from '../../src/protect/crossing/tell-crossings.ts'
import { planProtection } from '../../src/protect/plan.ts'
import { readOrphans } from '../../src/protect/read-orphans.ts'
import { makeProofs } from '../../src/prove/proofs.ts'
import { loadParser } from '../../src/sql/parser.ts'
import { createSqlReader, type SqlReader } from '../../src/sql/reader.ts'
import { buildFacts } from '../../src/tenancy/build-facts.ts'
import { DEFAULT_SETTING, type DiscoveryHints, discover } from '../../src/tenancy/discovery/discover.ts'
import type { Tenancy } from '../../src/tenancy/facts.ts'
import { connect } from '../../src/verify/connect.ts'
import { beyondProtect } from './beyond-protect.ts'
import { knowledgeOf } from './protect-knowledge.ts'
import { withoutTenantSchemas } from './without-tenant-schemas.ts'

export interface PlanOptions {
  readonly databaseUrl: string
  readonly tables?: readonly string[] | undefined
  readonly tenantColumn?: readonly string[] | undefined
  readonly schema?: readonly string[] | undefined
  readonly setting?: string | undefined
  readonly appRole?: string | undefined
  readonly seal: boolean
  readonly indexes?: boolean | undefined
}

/** A plan, and the tenancy on which it is based. */
interface FoundPlan {
  readonly plan: ProtectPlan
  readonly tenancy: Tenancy
  readonly catalog: Catalog
}

/**
 * Plans the migration of `partywall protect`. The plan uses the tenant columns, the setting and the roles that verify's discovery finds. The
 * database is only read.
 */
export async function planFor(options: PlanOptions, signal?: AbortSignal): Promise<ProtectPlan> {
  const client = await connect(options.databaseUrl, signal)
  try {
    await client.query('begin isolation level repeatable read read only')
    const db: Queryable = {
      query: (text, values) => client.query(text, values === undefined ? undefined : [...values]),
    }
    const { plan } = await planOn(db, options)
    return { ...plan, notes: [...plan.notes, ...(await crossingNotes(db, plan))] }
  } finally {
    await client.end().catch(() => {}) // all answers were read, so an error while closing does not matter
  }
}

/** Notes about rows that refer to another tenant's row, with the query that lists them. */
async function crossingNotes(db: Queryable, plan: ProtectPlan): Promise<readonly string[]> {
  const crossings = await readCrossings(db, plan.crossingChecks)
  const told = tellCrossings(plan, crossings).map(({ sentence, sql }) => `BEFORE YOU RUN IT: ${sentence}\n  ${sql}`)
  return [...told, ...tellClean(crossings)]
}

/** Makes the plan on a connection of the caller, and only reads the database. */
export async function planOn(db: Queryable, options: Omit<PlanOptions, 'databaseUrl'>): Promise<FoundPlan> {
  await loadParser()
  const { catalog, note } = await withoutTenantSchemas(db, options)
  const sql = createSqlReader()
  const { tenancy, appRoleFound } = find(catalog, options, sql)
  const tables = [...tenancy.tables.values()]
  const setting = settingOf(tenancy)
  const facts = buildFacts({ catalog, sql, tenancy, sealed: options.seal, loginDoubt: undefined, proofs: makeProofs })
  const plan = planProtection({
    catalog,
    tables,
    appRole: appRoleFound ? tenancy.appRole : undefined,
    setting,
    seal: options.seal,
    indexes: options.indexes === true,
    only: options.tables,
    schemas: tenancy.schemas,
    orphans: await readOrphans(db, tables),
    ...(appRoleFound ? { knowledge: knowledgeOf(facts, options.setting !== undefined || options.seal) } : {}),
    notes: [...note, ...tenancy.notes, ...settingNotes(tenancy)],
  })
  // Skip verify's rules in two cases. Without the application's role, the rules cannot tell on which objects the role has rights. And
  // --tables asks about the named tables only, while the rules are about the whole database.
  if (!appRoleFound || options.tables !== undefined) return { plan, tenancy, catalog }
  const decisions = [...plan.decisions, ...beyondProtect(catalog, after(tenancy), sql, plan, options.seal)]
  return { plan: { ...plan, decisions }, tenancy, catalog }
}

function find(
  catalog: Catalog,
  options: Omit<PlanOptions, 'databaseUrl'>,
  sql: SqlReader,
): { readonly tenancy: Tenancy; readonly appRoleFound: boolean } {
  const hints: DiscoveryHints = {
    appRole: options.appRole,
    schemas: options.schema,
    tenantColumns: options.tenantColumn,
    setting: options.setting,
  }
  try {
    return { tenancy: discover(catalog, sql, hints), appRoleFound: true }
  } catch (error) {
    if (!(error instanceof ConfigurationError) || options.appRole !== undefined) throw error
    // Discovery found no role of the application, or several. A schema that was never protected may have none, so use the role of this
    // connection instead. If the error has another cause, this call throws it again.
    const tenancy = discover(catalog, sql, { ...hints, appRole: catalog.reader.name })
    // Several roles may be the application's: the user must choose one with --app-role.
    if (Array.isArray(error.details['candidates']) && error.details['candidates'].length > 0) throw error
    return { tenancy, appRoleFound: false }
  }
}

function settingNotes({ context }: Tenancy): readonly string[] {
  if (context.kind === 'tenant') return []
  return [
    `${context.setting} names no tenant but a key of ${context.table.label}; the new policies read ${DEFAULT_SETTING} (use --setting NAME for another)`,
  ]
}

/** The tenancy that verify's discovery will find once the migration was applied: the new policies read the setting of {@link settingOf}. */
function after(tenancy: Tenancy): Tenancy {
  if (tenancy.context.kind === 'tenant') return tenancy
  return { ...tenancy, context: { kind: 'tenant', ...settingOf(tenancy), alternatives: [] } }
}

/**
 * The setting that new policies read: the discovered setting, if it contains a tenant. If the discovered setting contains the key of a user
 * or session, new policies read partywall's default setting instead.
 */
function settingOf({ context }: Tenancy): { readonly setting: string; readonly path: readonly string[] } {
  if (context.kind === 'tenant') return { setting: context.setting, path: context.path }
  return { setting: DEFAULT_SETTING, path: [] }
}
