import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { packageRoot } from '../../src/config/package-root.ts'
import { plant } from '../../src/verify/attack/plant.ts'
import { attackSession } from '../../src/verify/attack/session.ts'
import { sessionKeys } from '../../src/verify/attack/session-keys.ts'
import { factsInTransaction } from '../../src/verify/mutate/judge-in-transaction.ts'
import type { VerifyReport } from '../../src/verify/report/report-model.ts'

const here = join(packageRoot(), 'tests', 'verify-peers')
const program = join(here, 'node_modules', 'tenant-guard', 'bin', 'tenant-guard.mjs')

const schema = z.looseObject({
  guards: z.array(
    z.looseObject({
      id: z.string(),
      status: z.string(),
      violations: z.array(z.looseObject({ where: z.string().optional(), message: z.string().optional() })),
    }),
  ),
})

/** What tenant-guard said of one schema. */
export interface PeerVerdict {
  readonly exitCode: number | null
  /** `guard: where: message`. */
  readonly violations: readonly string[]
}

/**
 * Runs every guard of tenant-guard, told what partywall finds by itself (role, setting, tenant column) and with rows of two
 * tenants in place: its best set-up.
 */
export async function runTenantGuard(url: string, report: VerifyReport): Promise<PeerVerdict> {
  await plantTwoTenants(url, report)
  const { appRole, setting, tenantColumns } = report.summary
  const folder = await mkdtemp(join(tmpdir(), 'partywall-peer-'))
  try {
    const rlsProof = {
      role: appRole,
      tenantColumns,
      becomeTenant: [`select set_config('${setting.split('->')[0]}', $1::text, true)`],
    }
    await writeFile(join(folder, 'tenant-guard.config.json'), JSON.stringify({ rlsProof }))
    const output = join(folder, 'out.json')
    const preload = join(here, 'name-arrays.mjs')
    const child = spawn(process.execPath, ['--import', preload, program, 'all', '--quiet', `--json=${output}`], {
      cwd: folder,
      stdio: 'ignore',
      env: { ...process.env, TENANT_GUARD_DATABASE_URL: url },
    })
    const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve))
    const text = await readFile(output, 'utf8').catch(() => undefined)
    if (text === undefined) return { exitCode, violations: [] }
    const { guards } = schema.parse(JSON.parse(text))
    return {
      exitCode,
      violations: guards
        .filter((guard) => guard.status === 'fail')
        .flatMap((guard) => guard.violations.map((each) => `${guard.id}: ${each.where ?? ''}: ${each.message ?? ''}`)),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function plantTwoTenants(url: string, report: VerifyReport): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('begin')
    const { appRole, tenantColumns, sealed } = report.summary
    const facts = await factsInTransaction(client, { appRole, tenantColumns, setting: undefined, sealed })
    const nonce = 'a1b2c3'
    const keys = sessionKeys(facts, nonce)
    await plant({ facts, session: attackSession(client), contextSql: undefined, nonce, keys })
    await client.query('commit')
  } finally {
    await client.end()
  }
}
