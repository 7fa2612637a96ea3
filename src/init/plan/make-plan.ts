import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ProtectPlan } from '../../protect/change.ts'
import type { Tenancy } from '../../tenancy/facts.ts'
import { inTrialSchema } from '../apply/trial-schema.ts'
import type { FoundUrl } from '../detection/database-url.ts'
import { filesThatSign, findOwnTokens, type OwnTokens } from '../detection/own-tokens.ts'
import type { Project } from '../detection/project.ts'
import type { ProjectFiles } from '../project-files.ts'
import { publicRoutes } from '../wiring/public-routes.ts'
import { wire } from '../wiring/wire.ts'
import { agentFiles } from '../writers/agents.ts'
import { ciStep, exampleEnv } from '../writers/ci-step.ts'
import { configFile } from '../writers/config-file.ts'
import { isolationTests } from '../writers/isolation-test.ts'
import { migrationFiles } from '../writers/migration/migration-files.ts'
import { wallFile } from '../writers/wall-file.ts'
import { besideTheCode } from './beside-the-code.ts'
import { crossingRows } from './crossing-rows.ts'
import { decisionsForLevels } from './decisions-for-levels.ts'
import { droppingMigrations } from './dropping-migrations.ts'
import { entryAccess, entryTables, ownedSequences } from './entry-access.ts'
import { entryDecisions } from './entry-decisions.ts'
import { fixedLists } from './fixed-lists.ts'
import type { ByHand, PlannedFile, TenantFacts } from './init-plan.ts'
import { jestLines } from './jest-lines.ts'
import { leftUnprotected } from './left-unprotected.ts'
import { loginChange } from './login-change.ts'
import { type LoginNames, loginNamesFor } from './login-names.ts'
import { oldPackages } from './old-packages.ts'
import { type OwnerUrl, ownerUrl } from './owner-url.ts'
import { readOnlyRoot } from './read-only-root.ts'
import { refuseExisting } from './refuse-existing.ts'
import { refusedStatus } from './refused-status.ts'
import { requireRights } from './require-rights.ts'
import { rowsWithoutTenant } from './rows-without-tenant.ts'
import { settingsOfTests } from './settings-of-tests.ts'
import { tenantFacts } from './tenant-facts.ts'
import { testIncludes } from './test-includes.ts'
import { tokensByHand } from './tokens-by-hand.ts'
import { userTables } from './user-tables.ts'
import { withoutTrialRights } from './without-trial-rights.ts'

/** Finds the tenancy of a database and plans its protection. The caller passes the function of `partywall protect`. */
type PlanProtection = (
  db: Queryable,
  options: { readonly appRole: string; readonly seal: true; readonly tenantColumn?: readonly string[] | undefined },
) => Promise<{ readonly plan: ProtectPlan; readonly tenancy: Tenancy; readonly catalog: Catalog }>

/** A project whose database is known. */
export type ProjectOnDatabase = Project & { readonly database: FoundUrl }

interface MakePlanInput {
  readonly files: ProjectFiles
  readonly project: ProjectOnDatabase
  /** The migration role's connection, in no transaction. */
  readonly client: Queryable
  readonly planProtection: PlanProtection
  /** Undefined: the tenant column is found. */
  readonly tenantColumn: readonly string[] | undefined
  readonly now: Date
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The text of SKILL.md, if a skill for coding agents is to be written. */
  readonly skill?: string | undefined
}

/** Everything that init will do. Nothing of it is done yet. */
export interface InitPlan {
  /** The name of the database. */
  readonly database: string
  readonly logins: LoginNames
  readonly facts: TenantFacts
  readonly files: readonly PlannedFile[]
  readonly byHand: readonly ByHand[]
  readonly tokens: OwnTokens | undefined
  /** Files that sign tokens, whatever their claims are. */
  readonly signing: readonly string[]
  /** The choices that were made, as sentences. */
  readonly notes: readonly string[]
  readonly decisions: number
  /** How `.env` gets the URL of the migrations. */
  readonly ownerUrl: OwnerUrl
  readonly entryTables: readonly string[]
  /** Earlier migrations that delete rows if the project's runner runs them again. */
  readonly dropping: readonly string[]
}

/**
 * Plans all steps. The database is left as it is: roles and partywall's objects are made in a transaction that is rolled back.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the database has no tables yet, no table of tenants, or a file is in the way
 */
export async function makePlan(input: MakePlanInput): Promise<InitPlan> {
  const { files, project, client } = input
  await requireRights(client)
  const { rows: named } = await client.query<{ database: string }>('select current_database() as database')
  const { rows: roles } = await client.query<{ name: string }>('select rolname as name from pg_catalog.pg_roles')
  const logins = loginNamesFor(named[0]?.database ?? 'app', new Set(roles.map(({ name }) => name)))
  const tables = await userTables(client, project)
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  const found = await inTrialSchema(client, logins, schemas, tables, async (db) => {
    const planned = () =>
      input.planProtection(db, { appRole: logins.app, seal: true, tenantColumn: input.tenantColumn })
    const { tenancy: first, catalog: before } = await planned()
    const { root } = first
    if (root === undefined) return planned()
    // A tenant reads its own row in the table of tenants, and may not change its status or tier. Sign-ups use the other login.
    const table = qualifiedName(root.relation)
    await db.query(`revoke insert, update, delete on ${table} from ${quoteIdentifier(logins.app)}`)
    for (const sequence of ownedSequences(before, root.relation))
      await db.query(`revoke all on sequence ${qualifiedName(sequence)} from ${quoteIdentifier(logins.app)}`)
    return planned()
  })
  const { tenancy, catalog } = found
  const facts = tenantFacts(found, project, schemas)
  const entry = entryTables(catalog, tenancy)
  const asked = entryDecisions(catalog, entry, tenancy, logins.entry)
  const decisions = [
    ...decisionsForLevels(
      rowsWithoutTenant(found.plan.decisions, entry, logins.entry).filter(
        ({ sql }) => sql?.startsWith('CALL partywall.install_directory') !== true,
      ),
      logins.app,
    ),
    readOnlyRoot(facts, tenancy),
    ...asked.decisions,
  ]
  const plan: ProtectPlan = {
    ...found.plan,
    decisions,
    changes: [
      loginChange(logins),
      ...withoutTrialRights(found.plan.changes, logins.app),
      ...entryAccess(catalog, entry, tenancy, logins.entry),
      ...asked.changes,
    ],
  }
  const tokens = findOwnTokens(files, [facts.column, `${singular(facts.tableName)}_id`])
  const entryNames = entry.map(({ label }) => label)
  const written = writtenFiles(input, plan, { logins, facts, tokens, entryNames })
  refuseExisting(files, written.files)
  const owner = ownerUrl(files, project.database, input.environment)
  return {
    database: named[0]?.database ?? '',
    logins,
    facts,
    files: written.files,
    byHand: [
      ...(await crossingRows(client, plan)),
      ...leftUnprotected(plan, tenancy),
      ...(await refusedStatus(client, catalog, tenancy, facts, wallPathOf(project))),
      ...owner.byHand,
      ...oldPackages(files, project),
      ...written.byHand,
    ],
    ownerUrl: owner,
    tokens,
    signing: filesThatSign(files),
    notes: tenancy.notes,
    decisions: decisions.length,
    entryTables: entryNames,
    dropping: droppingMigrations(files, project.migrations),
  }
}

interface Made {
  readonly logins: LoginNames
  readonly facts: TenantFacts
  readonly tokens: OwnTokens | undefined
  readonly entryNames: readonly string[]
}

function writtenFiles(
  { files, project, now, skill }: MakePlanInput,
  plan: ProtectPlan,
  { logins, facts, tokens, entryNames }: Made,
): { readonly files: readonly PlannedFile[]; readonly byHand: readonly ByHand[] } {
  const { style, migrations } = project
  const wallPath = wallPathOf(project)
  const wiring = wire(files, project, wallPath)
  const ci = ciStep(files, project)
  const tests = isolationTests(project, facts, logins.app)
  const create = (path: string, content: string, why: string): PlannedFile => ({ kind: 'create', path, content, why })
  const migration = migrationFiles(files, migrations, style, plan, now).map(({ path, content }): PlannedFile => {
    const whole = `${migrations.folder}/${path}`
    const before = files.read(whole)
    // The journal of drizzle-kit exists already.
    if (before !== undefined) return { kind: 'edit', path: whole, before, content, why: 'the list of migrations' }
    return create(whole, content, isDown(path) ? 'its down migration' : 'the migration that protects your tables')
  })
  const added = migration.flatMap(({ kind, path }) =>
    kind === 'create' && !isDown(path) ? [path.slice(migrations.folder.length + 1)] : [],
  )
  const open = publicRoutes(files, wallPath)
  const wall = wallFile({ files, project, facts, tokens, entryTables: entryNames, publicRoutes: open.routes })
  const ignored = (files.read('.gitignore') ?? '').split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''))
  const missing = ['.env', '.partywall'].filter((name) => !ignored.includes(name))
  return {
    files: [
      ...migration,
      create(
        wallPath,
        wall,
        project.framework === 'express' ? 'the wall, its pool and its middleware' : 'the wall and its pool',
      ),
      ...wiring.edits,
      create(configPath(project), configFile(facts, logins.app), 'settings of the commands'),
      ...tests.map(({ path, content }) => create(path, content, 'the test of the isolation')),
      ...ci.files,
      ...(skill === undefined ? [] : agentFiles(skill, project)),
      ...(missing.length === 0 ? [] : [append('.gitignore', `\n${missing.join('\n')}\n`, 'secrets stay out of git')]),
      append('.env.example', exampleEnv(files.read('.env.example') ?? ''), 'the names of the new settings'),
    ],
    byHand: [
      ...fixedLists(files, migrations, added),
      ...wiring.byHand,
      ...open.byHand,
      ...ci.byHand,
      ...tokensByHand(files, wallPath, facts, tokens),
      ...jestLines(files, project),
      ...testIncludes(
        files,
        project,
        tests.map(({ path }) => path),
      ),
      ...settingsOfTests(files, wallPath),
      ...besideTheCode(files, project, wallPath),
    ],
  }
}

/**
 * Under Nest, the file is not in TypeScript: `nest build` compiles all TypeScript of the folder, and a file outside src would move
 * dist/main.js to dist/src/main.js.
 */
function configPath({ style, framework }: Project): string {
  return `partywall.config.${style.language === 'ts' && framework !== 'nest' ? 'ts' : 'mjs'}`
}

function wallPathOf({ style }: Project): string {
  return `${style.sourceFolder === '.' ? '' : `${style.sourceFolder}/`}partywall.${style.language === 'ts' ? 'ts' : 'js'}`
}

function isDown(path: string): boolean {
  return /(?:^|\/)down(?:\.sql$|\/)|\.down\.sql$|(?:^|\/)U\d/.test(path)
}

function append(path: string, block: string, why: string): PlannedFile {
  return { kind: 'append', path, block, secret: false, why }
}

function singular(table: string): string {
  return table.replace(/ies$/, 'y').replace(/s$/, '')
}
