import { Command } from 'commander'
import { auditCommand } from './audit.ts'
import { compareCommand } from './compare.ts'
import { diffCommand } from './diff.ts'
import { doctorCommand } from './doctor.ts'
import { eachTenantCommand } from './each-tenant.ts'
import { explainCommand } from './explain.ts'
import { initCommand } from './init.ts'
import { migrateCommand } from './migrate.ts'
import { moveTenantCommand } from './move-tenant.ts'
import { packageVersion } from './package-version.ts'
import { planCommand } from './plan.ts'
import { protectCommand } from './protect.ts'
import { tokenCommand } from './token.ts'
import { verifyCommand } from './verify.ts'

/** The program with all its commands. Each call makes a new one, because commander keeps what it has parsed. */
export function createProgram(): Command {
  const program = new Command('partywall')
    .description('Keeps the tenants of one PostgreSQL database apart, and proves it.')
    .version(packageVersion())
    .showHelpAfterError('(partywall COMMAND --help tells the options)')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
  const commands = [
    doctorCommand(),
    initCommand(),
    migrateCommand(),
    protectCommand(),
    verifyCommand(),
    compareCommand(),
    diffCommand(),
    planCommand(),
    explainCommand(),
    eachTenantCommand(),
    moveTenantCommand(),
    auditCommand(),
    tokenCommand(),
  ]
  for (const command of commands) program.addCommand(inherit(command))
  return program
}

/** Copies the program's settings: commander does not pass them to sub-commands that were created separately. */
function inherit(command: Command): Command {
  for (const each of [command, ...command.commands])
    each.exitOverride().showHelpAfterError('(--help tells the options)')
  return command
}
