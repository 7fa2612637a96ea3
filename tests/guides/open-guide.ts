// A database for the code of a guide: the example's schema, then the SQL of the guide's page.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inject } from 'vitest'
import { planFor } from '../../cli/protect/protect-plan.ts'
import { packageRoot } from '../../src/config/package-root.ts'
import { verifyDatabase } from '../../src/verify/verify-database.ts'
import { afterFile } from '../setup/after-file.ts'
import { createTestDatabase, type TestDatabase } from '../setup/database.ts'
import { dropRoles } from '../setup/drop-roles.ts'

export interface Guide extends TestDatabase {
  /** URL of a login that the guide's SQL creates. */
  urlOf(role: string): string
  /** Findings of medium severity and above that the guide's SQL has added. */
  findings(): Promise<readonly string[]>
}

/**
 * Opens the database of a guide.
 *
 * @param name of the guide: tests/guides/NAME.sql is run as a superuser, after the migrations of the example
 * @param options.roles that the SQL creates. Roles belong to the whole server, so each test gets its own names.
 * @param options.protect tables for which `partywall protect --seal --tables …` runs afterwards, as the page says
 */
export async function openGuide(
  name: string,
  { roles = [], protect = [] }: { readonly roles?: readonly string[]; readonly protect?: readonly string[] } = {},
): Promise<Guide> {
  const database = await createTestDatabase()
  const before = new Set(await findingsOf(database))
  const suffix = randomBytes(4).toString('hex')
  const password = randomBytes(12).toString('hex')
  const named = (text: string) => roles.reduce((sql, role) => sql.replaceAll(role, `${role}_${suffix}`), text)
  const sql = await readFile(join(packageRoot(), 'tests', 'guides', `${name}.sql`), 'utf8')
  await database.admin(named(sql).replaceAll("PASSWORD 'change me'", `PASSWORD '${password}'`))
  if (protect.length > 0) {
    const plan = await planFor({ databaseUrl: database.adminUrl, appRole: 'app', seal: true, tables: protect })
    for (const statement of plan.changes.flatMap(({ up }) => up)) await database.admin(statement)
  }
  afterFile(() => dropRoles([database], roles.map(named)))
  return {
    ...database,
    urlOf(role) {
      const url = new URL(database.appUrl)
      url.username = named(role)
      url.password = password
      return url.href
    },
    findings: async () => (await findingsOf(database)).filter((finding) => !before.has(finding)),
  }
}

/** Findings of medium severity and above, as `partywall verify --static` reports them. */
export async function findingsOf({ adminUrl }: TestDatabase, appRole = 'app'): Promise<readonly string[]> {
  const report = await verifyDatabase({
    databaseUrl: adminUrl,
    appRole,
    mode: 'static',
    sealSecret: inject('postgres').sealSecret,
  })
  const findings = report.findings.filter(({ severity }) => ['critical', 'high', 'medium'].includes(severity))
  return findings.map(({ severity, rule, object, message }) => `${severity} ${rule} ${object}: ${message}`)
}
