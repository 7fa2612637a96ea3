import { Command } from 'commander'
import { collect } from '../shared/collect.ts'

/** `partywall init`: sets up partywall in an application, or undoes what it set up. */
export function initCommand(): Command {
  return new Command('init')
    .description(
      'Sets an application up: logins, migration, pool, middleware, test, CI. It shows everything and asks first.',
    )
    .option('--database-url <url>', 'URL of the migration role (default: DATABASE_URL, .env, docker-compose)')
    .option('--tenant-column <name>', 'the column that names the tenant; may be repeated (default: found)', collect)
    .option('--yes', 'do it without asking')
    .option('--yes-production', 'also on a database that looks like production')
    .option('--dry-run', 'show everything and do nothing')
    .option('--agents', 'also write a skill for coding agents, and a section of AGENTS.md')
    .option('--undo', 'take back what init did in this folder')
    .option('--json', 'print the result as JSON; needs --yes, --dry-run or --undo')
    .addHelpText(
      'after',
      '\nExit code: 0 done or nothing to do, 1 you said no, 2 it could not run. After an error nothing stays half done.',
    )
    .action(async (flags: unknown) => {
      const { runInit } = await import('./run-init.ts')
      process.exitCode = await runInit(flags)
    })
}
