import { Command, Option } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall plan`: shows the plan of a statement under the policies of one tenant. */
export function planCommand(): Command {
  return new Command('plan')
    .description(
      "Shows the plan of a statement under the policies of a chosen tenant, as the application's role. Everything is rolled back.",
    )
    .argument('<sql>', 'one SELECT, INSERT, UPDATE, DELETE or MERGE, without EXPLAIN')
    .requiredOption('--tenant <id>', 'the tenant whose context is set')
    .option('--database-url <url>', "URL of the migration role (default: DATABASE_URL), never the application's login")
    .option('--analyze', 'run the statement and count rows: a SELECT only, in a READ ONLY transaction')
    .option('--param <value>', 'value of $1, and so on; may be repeated', collect)
    .option('--set <name=value>', 'a further setting that your policies read; may be repeated', collect)
    .addOption(
      new Option(
        '--level <level>',
        "the application's level, as database.roles, levelOf or access.levels choose it (default: level of partywall.config.*, else tenant_user)",
      )
        .choices(['tenant_user', 'tenant_admin'])
        .conflicts('role'),
    )
    .option('--role <name>', 'any other role that the statement runs as, such as the login of a pool without levels')
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--setting <name>', 'the setting that holds the tenant (default: found, else app.current_tenant_id)')
    .option('--seal-secret-env <name>', 'environment variable that holds the root secret', 'PARTYWALL_SEAL_SECRET')
    .option('--json', 'print the plan as JSON')
    .addHelpText(
      'after',
      `
A plan shows how many rows of other tenants an index found ("Rows Removed by Filter"), so tenants' connections refuse EXPLAIN.
How to read the plan: docs/performance.md.

  partywall plan --tenant 3f0c… 'SELECT * FROM orders WHERE state = $1' --param open --analyze

Exit code: 0 the plan was printed, 2 it could not run.`,
    )
    .action(async (sql: string, flags: Readonly<Record<string, unknown>>) => {
      const { runPlan } = await import('./run-plan.ts')
      await runPlan({ ...flags, sql }, (line) => process.stdout.write(`${line}\n`))
    })
}
