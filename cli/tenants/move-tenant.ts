import { Command, Option } from 'commander'
import { projectDatabaseUrl } from '../shared/database-url.ts'

/** `partywall move-tenant`: moves a tenant between the shared tables and a schema of its own. */
export function moveTenantCommand(): Command {
  return new Command('move-tenant')
    .description(
      'Moves the rows of one tenant between the shared tables and its own schema. The tenant is refused meanwhile.',
    )
    .option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL)')
    .requiredOption('--tenant <id>', 'the id of the tenant')
    .requiredOption('--schema <name>', 'the schema that partywall.install_schema() registered for it')
    .addOption(new Option('--to <place>', 'where the rows go').choices(['schema', 'shared']).makeOptionMandatory())
    .option('--tenant-column <name>', 'the column of shared tables that names the tenant (default: tenant_id)')
    .option('--setting <name>', 'the setting that holds the tenant (default: app.current_tenant_id)')
    .action(
      async (flags: {
        databaseUrl?: string
        tenant: string
        schema: string
        to: 'schema' | 'shared'
        tenantColumn?: string
        setting?: string
      }) => {
        const databaseUrl = await projectDatabaseUrl(flags.databaseUrl)
        const { tables, downtimeMs } = await (await import('../../src/migrate/move-tenant/move-tenant.ts')).moveTenant({
          ...flags,
          databaseUrl,
          onProgress: (step) => console.error(step),
        })
        const rows = tables.reduce((sum, table) => sum + table.rows, 0)
        console.log(`${rows} rows of ${tables.length} tables moved; the tenant was refused for ${downtimeMs} ms`)
      },
    )
}
