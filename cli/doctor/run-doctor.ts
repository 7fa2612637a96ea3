import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { loadProjectConfig } from '../../src/config/project-config.ts'
import type { DoctorLine } from '../../src/doctor/doctor-line.ts'
import { examine } from '../../src/doctor/examine.ts'
import { checkUrl } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { paint } from '../shared/terminal.ts'

const text = z.string().min(1)
const schema = z.strictObject({
  databaseUrl: text.optional(),
  jwksUrl: text.optional(),
  redisUrl: text.optional(),
  pooler: z.boolean().optional(),
  tenantColumn: z.array(text).optional(),
  sealSecretEnv: text,
  json: z.boolean().default(false),
})

const APP_URL = 'PARTYWALL_DATABASE_URL'

/**
 * Runs `partywall doctor` with the flags of the command line.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the database URL is not a PostgreSQL URL
 */
export async function runDoctor(flags: unknown, print: (line: string) => void): Promise<void> {
  const options = parseOptions(schema, flags, 'partywall doctor')
  const config = await loadProjectConfig(process.cwd()) // its envFile may hold the URL and the secret
  // partywall init leaves DATABASE_URL to the login that runs migrations. So the variable of the application's login has priority.
  const variable = environment(APP_URL) === undefined ? 'DATABASE_URL' : APP_URL
  const databaseUrl = options.databaseUrl ?? environment(variable)
  const databaseUrlName = options.databaseUrl === undefined ? variable : '--database-url'
  if (databaseUrl !== undefined) checkUrl(databaseUrlName, databaseUrl)
  const lines = await examine({
    databaseUrl,
    databaseUrlName,
    sealSecret: environment(options.sealSecretEnv),
    pooler: options.pooler,
    tenantColumns: options.tenantColumn ?? config?.tenantColumn ?? ['tenant_id'],
    jwksUrl: options.jwksUrl ?? environment('JWKS_URL'),
    redisUrl: options.redisUrl ?? environment('REDIS_URL'),
    redisIsOurs: options.redisUrl !== undefined,
    folder: process.cwd(),
  })
  if (options.json) print(JSON.stringify(lines, undefined, 2))
  else printLines(lines, print)
  process.exitCode = lines.some(({ verdict }) => verdict === 'error') ? 1 : 0
}

const MARKS = {
  ok: { mark: '✓', colour: 'green' },
  warning: { mark: '!', colour: 'yellow' },
  error: { mark: '✗', colour: 'red' },
  skipped: { mark: '–', colour: 'gray' },
} as const

function printLines(lines: readonly DoctorLine[], print: (line: string) => void): void {
  for (const { area, verdict, sentence, fix } of lines) {
    const { mark, colour } = MARKS[verdict]
    print(`${paint(colour, mark)} ${area}: ${sentence}`)
    if (fix !== undefined) for (const line of fix.split('\n')) print(`    ${line}`)
  }
  const count = (wanted: DoctorLine['verdict']) => lines.filter(({ verdict }) => verdict === wanted).length
  print('')
  print(`${count('error')} errors, ${count('warning')} warnings, ${count('skipped')} not looked at`)
}
