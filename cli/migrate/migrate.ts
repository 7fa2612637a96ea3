import { Command } from 'commander'
import type { MigrateFlags } from './run-migrate.ts'

/** `partywall migrate`: applies partywall's own migrations, each once. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description("Applies partywall's own objects (schema partywall: seal, directory, crossings, audit) to a database.")
    .option(
      '--database-url <url>',
      'URL of the role that owns the tables (default: DATABASE_URL, if it names that role)',
    )
    .option('--print', 'print the SQL and change nothing')
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--rotate', 'add the key of a new secret; the previous key stays valid, the one before it ends')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      '\nTo change the secret, run the command with the new secret and --rotate. The newest two keys are valid.',
    )
    .action(async (flags: MigrateFlags) => (await import('./run-migrate.ts')).runMigrate(flags))
}
