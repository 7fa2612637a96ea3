import { Command } from 'commander'
import { ConfigurationError } from '../../src/errors.ts'
import { collect } from '../shared/collect.ts'
import { projectDatabaseUrl } from '../shared/database-url.ts'

/** `partywall each-tenant`: runs a migration command for the schema of each tenant. */
export function eachTenantCommand(): Command {
  return new Command('each-tenant')
    .description('Runs a command once for the schema of each tenant, and protects what it created.')
    .option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL)')
    .requiredOption(
      '--run <command>',
      'the command; DATABASE_URL, PGOPTIONS, PARTYWALL_SCHEMA and PARTYWALL_TENANT are set for it',
    )
    .option('--concurrency <n>', 'how many commands run at once (default: 1)')
    .option('--key <name>', 'the name under which finished schemas are remembered (default: a hash of the command)')
    .option('--setting <name>', 'the setting that holds the tenant (default: app.current_tenant_id)')
    .option(
      '--lookup-schema <name>',
      'a schema that follows the tenant’s schema in the search_path; may be repeated',
      collect,
    )
    .action(
      async (flags: {
        databaseUrl?: string
        run: string
        concurrency?: string
        key?: string
        setting?: string
        lookupSchema?: readonly string[]
      }) => {
        const concurrency = Number(flags.concurrency ?? 1)
        if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64)
          throw new ConfigurationError('--concurrency must be a whole number from 1 to 64.')
        const databaseUrl = await projectDatabaseUrl(flags.databaseUrl)
        const { done, before, failed, different } = await (await import('../../src/migrate/each-tenant.ts')).eachTenant(
          {
            databaseUrl,
            command: flags.run,
            concurrency,
            key: flags.key,
            setting: flags.setting,
            lookupSchemas: flags.lookupSchema,
            environment: process.env,
            onProgress: (line) => console.error(line),
          },
        )
        console.log(`${done.length} done, ${failed.length} failed, ${before} done before`)
        if (different.length > 0) console.log(`different from the other schemas: ${different.join(', ')}`)
        if (failed.length > 0 || different.length > 0) process.exitCode = 1
      },
    )
}
