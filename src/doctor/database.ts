import { connectionProblem } from '../config/connection-problem.ts'
import type { DatabaseFinding } from '../database/check/database-finding.ts'
import type { TenantPool } from '../database/pool/create-tenant-pool.ts'
import { createPostgresLookup, isDirectoryMissing } from '../tenants/postgres-lookup.ts'
import { type DoctorLine, type DoctorSettings, error, messageOf, ok, skipped, warning } from './doctor-line.ts'
import { openLoginPool } from './open-login-pool.ts'

const AREA = 'PostgreSQL'

/** Examines the database with the application's own login: everything that `wall.ready()` checks, and the directory. */
export async function examineDatabase(settings: DoctorSettings): Promise<readonly DoctorLine[]> {
  const { databaseUrl, databaseUrlName = 'DATABASE_URL', sealSecret, tenantColumns } = settings
  if (databaseUrl === undefined)
    return [
      skipped(
        AREA,
        'Not looked at: set PARTYWALL_DATABASE_URL or DATABASE_URL, or give --database-url, the URL of the application.',
      ),
    ]
  const pool = openLoginPool({ databaseUrl, sealSecret, pooler: settings.pooler })
  try {
    const findings = await pool.checkDatabase({ tenantColumns })
    const good = findings.some(({ severity }) => severity === 'error') ? [] : [ok(AREA, GOOD)]
    return [...good, ...findings.map(lineOf), await directory(pool)]
  } catch (problem) {
    const connection = connectionProblem(problem, databaseUrlName)
    const fix =
      connection === undefined
        ? 'If the migration that partywall init or protect wrote has not run yet, run it'
        : `Correct ${databaseUrlName}, or start the server`
    return [error(AREA, connection ?? messageOf(problem), `${fix}; then run partywall doctor again.`)]
  } finally {
    await pool.close()
  }
}

const GOOD =
  'Login, roles, grants, row-level security, migrations and settings are as wall.ready() needs them. For the proof, run partywall verify.'

function lineOf({ severity, message, fix }: DatabaseFinding): DoctorLine {
  return severity === 'error' ? error(AREA, message, fix) : warning(AREA, message, fix)
}

async function directory(pool: TenantPool): Promise<DoctorLine> {
  try {
    await createPostgresLookup(pool).findByClaim('partywall-doctor')
    return ok('directory', 'partywall.tenant_by_key answers.')
  } catch (problem) {
    if (!isDirectoryMissing(problem)) return error('directory', `${messageOf(problem)}.`, 'See docs/tenants.md.')
    return warning(
      'directory',
      'partywall.tenant_by_key is missing. Tenants are found only if tenants.findByClaim is a function of your own.',
      "With a findByClaim of your own: nothing to do. Without: CALL partywall.install_directory('public.tenants', 'id', 'key', 'status', 'tier'); as the migration role, with your table of tenants",
    )
  }
}
