import { Command, Option } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall diff`: judges each change of a schema. */
export function diffCommand(): Command {
  return new Command('diff')
    .description(
      'Says for each change of a schema whether it makes isolation weaker or safer, changes nothing, or needs a review; and why.',
    )
    .argument('[base]', 'a git ref such as origin/main, or a path: folder of *.sql, file or dump')
    .argument('[head]', 'the same; without it, the files as they are now')
    .option('--migrations <path>', 'for git refs: the migrations inside of the repository')
    .option(
      '--database-url <url>',
      'in place of BASE and HEAD: a database, compared with what --migrations declares; it is only read',
    )
    .option('--app-role <name>', 'the role that the application logs in as (default: found by its grants)')
    .option('--schema <name>', 'look at this schema only; may be repeated', collect)
    .option('--tenant-column <name>', 'the column that names the tenant; may be repeated (default: found)', collect)
    .option('--setting <name>', 'the setting that holds the tenant (default: found)')
    .addOption(
      new Option('--fail-on <judgement>', 'exit with 1 for this judgement and worse ones')
        .choices(['weaker', 'review'])
        .default('weaker'),
    )
    .addOption(
      new Option('--format <format>', 'form of the answer').choices(['pretty', 'markdown', 'json']).default('pretty'),
    )
    .addHelpText(
      'after',
      `
Schemas are built on a throw-away PostgreSQL. No database of yours is changed.

  partywall diff origin/main --migrations migrations
  partywall diff --migrations migrations --database-url "$MIGRATION_URL"

The second form names policies, triggers and switches of row-level security that are in the database and
in no migration, or the other way round. It exits with 1 if there are any.

Exit code: 0 nothing fails, 1 something does, 2 it could not run.`,
    )
    .action(async (base: string | undefined, head: string | undefined, flags: Readonly<Record<string, unknown>>) => {
      const { runDiff } = await import('./run-diff.ts')
      process.exitCode = await runDiff({ ...flags, base, head }, (line) => process.stdout.write(`${line}\n`))
    })
}
