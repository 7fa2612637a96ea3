import { Command } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall doctor`: looks at everything that an application with partywall needs. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Looks at versions, roles, grants, settings, clocks, migrations, pooler, identity provider and Redis. Changes nothing.',
    )
    .option(
      '--database-url <url>',
      "the application's login, which owns no table (default: PARTYWALL_DATABASE_URL, else DATABASE_URL)",
    )
    .option('--jwks-url <url>', 'where the identity provider publishes its keys (default: JWKS_URL)')
    .option('--redis-url <url>', 'the Redis of the rate limits (default: REDIS_URL)')
    .option('--pooler', 'the application sets database.pooler')
    .option(
      '--tenant-column <name>',
      'a column that makes a table a tenant table; may be repeated (default: that of partywall.config, else tenant_id)',
      collect,
    )
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--json', 'print the lines as JSON')
    .addHelpText(
      'after',
      `
Run it where the application runs, with the same environment. Variables of the envFile of partywall.config are read too. Exit code: 0 no error, 1 an error, 2 it could not run.`,
    )
    .action(async (flags: unknown) => {
      const { runDoctor } = await import('./run-doctor.ts')
      await runDoctor(flags, (line) => console.log(line))
    })
}
