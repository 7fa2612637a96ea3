import { Command } from 'commander'
import { auditCommand } from './audit/audit.ts'
import { compareCommand } from './compare/compare.ts'
import { diffCommand } from './diff/diff.ts'
import { doctorCommand } from './doctor/doctor.ts'
import { explainCommand } from './explain/explain.ts'
import { initCommand } from './init/init.ts'
import { migrateCommand } from './migrate/migrate.ts'
import { planCommand } from './plan/plan.ts'
import { protectCommand } from './protect/protect.ts'
import { packageVersion } from './shared/package-version.ts'
import { eachTenantCommand } from './tenants/each-tenant.ts'
import { moveTenantCommand } from './tenants/move-tenant.ts'
import { tokenCommand } from './token/token.ts'
import { verifyCommand } from './verify/verify.ts'

/** The program with all its commands. Each call makes a new program, because commander keeps parsed values. */
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
