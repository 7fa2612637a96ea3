import { Command, Option } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall explain`: says why a tenant does not see a row. */
export function explainCommand(): Command {
  return new Command('explain')
    .description('Says why a tenant does not see a row: the privilege, the seal or the policy that hides it.')
    .requiredOption('--tenant <id>', 'the tenant whose context is set')
    .requiredOption('--table <name>', 'the table: name or schema.name')
    .requiredOption('--row <column=value>', 'a column of the primary key and its value; may be repeated', collect)
    .option('--user <id>', 'the user, if policies ask for one')
    .addOption(
      new Option('--verb <verb>', 'what the tenant tries').choices(['select', 'update', 'delete']).default('select'),
    )
    .option(
      '--database-url <url>',
      'URL of a role that sees all rows: a superuser or BYPASSRLS (default: DATABASE_URL)',
    )
    .addOption(
      new Option(
        '--level <level>',
        "the application's level, as database.roles, levelOf or access.levels choose it (default: level of partywall.config.*, else both are judged)",
      )
        .choices(['tenant_user', 'tenant_admin'])
        .conflicts('role'),
    )
    .option('--role <name>', 'any other role that statements run as, such as the login of a pool without levels')
    .option('--set <name=value>', 'a further setting that your policies read; may be repeated', collect)
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--setting <name>', 'the setting that holds the tenant (default: found, else app.current_tenant_id)')
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
It reads in read-only transactions, which are rolled back. UPDATE and DELETE are judged by rights and policies, and not run.

  partywall explain --tenant 3f0c… --table projects --row id=42

Exit code: 0 the tenant sees its row, 1 the row is hidden or refused, does not exist, or belongs to another tenant,
2 it could not be found out, or it depends on the level.`,
    )
    .action(async (flags: unknown) => {
      const { runExplain } = await import('./run-explain.ts')
      await runExplain(flags, (line) => console.log(line))
    })
}
