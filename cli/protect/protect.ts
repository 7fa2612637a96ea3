import { Command, Option } from 'commander'
import { MIGRATION_FORMATS } from '../../src/protect/render/format-names.ts'
import { collect } from '../shared/collect.ts'

/** `partywall protect`: writes a migration that adds the missing isolation to the user's own tables. */
export function protectCommand(): Command {
  return new Command('protect')
    .description(
      'Writes a migration that adds the missing tenant isolation to your own tables, and its down migration.',
    )
    .option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL); nothing is changed there')
    .option(
      '--tables <names>',
      'only these tables, separated by commas: documents,app.orders (default: all tables of tenants)',
      names,
    )
    .option('--tenant-column <name>', 'the column that names the tenant; may be repeated (default: found)', collect)
    .option('--schema <name>', 'look at this schema only; may be repeated', collect)
    .option(
      '--tenant-schemas <pattern>',
      'write calls for the schemas of single tenants, such as tenant_*; may be repeated',
      collect,
    )
    .option('--template <name>', 'like --tenant-schemas, for all schemas that have the same tables as this schema')
    .option(
      '--tenant-table <table>',
      'where the tenant of each schema is written down: schema.table(schema_column, tenant_column)',
    )
    .option('--tenant-map <file>', 'like --tenant-table, as a file with a JSON object from schema to tenant')
    .option('--setting <name>', 'the setting that holds the tenant (default: found, else app.current_tenant_id)')
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--seal', 'bind tables to the sealed context too; needs partywall migrate first')
    .option('--indexes', 'write indexes that PostgreSQL can use below the policies (default: named under TO DECIDE)')
    .option('--out <dir>', 'write the files there (default: the up migration on standard output)')
    .addOption(new Option('--format <format>', 'form of the files').choices([...MIGRATION_FORMATS]).default('sql'))
    .addHelpText('after', '\nExit code: 0 written or nothing to do, 2 it could not run.')
    .action(async (flags: unknown) => {
      const { runProtect } = await import('./run-protect.ts')
      await runProtect(flags)
    })
}

function names(value: string, known: readonly string[] = []): readonly string[] {
  return [...known, ...value.split(',').map((name) => name.trim())].filter((name) => name !== '')
}
