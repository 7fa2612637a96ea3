import { createInterface } from 'node:readline/promises'
import { ConfigurationError } from '../../src/errors.ts'

interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream
}

/**
 * Asks a question on the terminal. Returns true for `y` and `yes` only. Every other answer, an empty line and the end of the input mean no.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if there is no terminal to ask on
 */
export async function askYes(question: string, { stdin, stdout }: Terminal): Promise<boolean> {
  if (stdin.isTTY !== true)
    throw new ConfigurationError('There is no terminal to ask on: give --yes, or --dry-run. Nothing was changed.')
  const reader = createInterface({ input: stdin, output: stdout })
  const ended = new Promise<string>((resolve) => reader.once('close', () => resolve('')))
  const answer = await Promise.race([reader.question(question), ended]).finally(() => reader.close())
  return /^y(?:es)?$/i.test(answer.trim())
}
