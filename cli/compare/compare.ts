import { Command } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall compare`: reports who can see or do more after a change of the schema, and who can do less. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('Reports who can see or do more in one schema than in another, and who can do less.')
    .requiredOption('--before <path>', 'the schema as it is: a folder of *.sql, one file or dump, or -')
    .requiredOption('--after <path>', 'the schema as it will be, in the same forms')
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--schema <name>', 'look at this schema only; may be repeated', collect)
    .option('--tenant-column <name>', 'the column that names the tenant; may be repeated (default: found)', collect)
    .option('--setting <name>', 'the setting that holds the tenant (default: found)')
    .option('--json', 'the differences as JSON')
    .addHelpText(
      'after',
      '\nExit code: 0 nobody can do more than before, and nobody can do less inside their own tenant; 1 somebody can, or it is not known of some table; 2 it could not run.',
    )
    .action(async (flags: unknown) => {
      const { runCompare } = await import('./run-compare.ts')
      process.exitCode = await runCompare(flags, (line) => process.stdout.write(`${line}\n`))
    })
}
