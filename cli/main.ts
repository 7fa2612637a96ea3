#!/usr/bin/env node
import './refuse-old-node.ts'
import { Command, CommanderError } from 'commander'
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
import { describeError } from './terminal.ts'
import { tokenCommand } from './token.ts'
import { verifyCommand } from './verify.ts'

/** Exit code if a command could not run. 1 means that the command ran and found something. */
const COULD_NOT_RUN = 2

export async function main(argv: readonly string[]): Promise<number> {
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
  try {
    await program.parseAsync([...argv])
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : COULD_NOT_RUN
    console.error(describeError(error))
    return COULD_NOT_RUN
  }
}

/** Copies the program's settings: commander does not pass them to sub-commands that were created separately. */
function inherit(command: Command): Command {
  for (const each of [command, ...command.commands])
    each.exitOverride().showHelpAfterError('(--help tells the options)')
  return command
}

process.exitCode = await main(process.argv)
