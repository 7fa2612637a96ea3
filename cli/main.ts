#!/usr/bin/env node
import './refuse-old-node.ts'
import { CommanderError } from 'commander'
import { createProgram } from './program.ts'
import { describeError } from './shared/terminal.ts'

/** Exit code if a command could not run. 1 means that the command ran and found something. */
const COULD_NOT_RUN = 2

export async function main(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv])
    return typeof process.exitCode === 'number' ? process.exitCode : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : COULD_NOT_RUN
    console.error(describeError(error))
    return COULD_NOT_RUN
  }
}

process.exitCode = await main(process.argv)
