import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { explainRow } from '../../src/explain/explain-row.ts'
import type { Explanation, Reading } from '../../src/explain/explanation.ts'
import { readFacts, refuseRoles, roleOfPools } from '../../src/explain/tenant-session.ts'
import { connect } from '../../src/verify/connect.ts'
import { databaseUrlFrom } from '../shared/database-url.ts'
import { environment } from '../shared/environment.ts'
import { withProjectConfig } from '../shared/project-settings.ts'
import { paint } from '../shared/terminal.ts'
import { untilInterrupted } from '../shared/until-interrupted.ts'

const text = z.string().min(1)
const pair = z.string().regex(/^[^=]+=/, 'must have the form name=value')
const schema = z.strictObject({
  tenant: text,
  table: text,
  row: z.array(pair).min(1),
  user: text.optional(),
  verb: z.enum(['select', 'update', 'delete']),
  databaseUrl: text.optional(),
  role: text.optional(),
  set: z.array(pair).default([]),
  appRole: text.optional(),
  setting: text.optional(),
  sealSecretEnv: text,
  json: z.boolean().default(false),
})

const VERBS = { select: 'SELECT', update: 'UPDATE', delete: 'DELETE' } as const

/**
 * Runs `partywall explain` with the flags of the command line.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` for an unknown table, column or role, and for a role that does not see all rows
 */
export async function runExplain(flags: unknown, print: (line: string) => void): Promise<void> {
  const configured = await withProjectConfig(flags, ['databaseUrl', 'appRole', 'setting'])
  const options = parseOptions(schema, configured, 'partywall explain')
  const databaseUrl = databaseUrlFrom(options.databaseUrl)
  const secret = environment(options.sealSecretEnv)
  const explanation = await untilInterrupted(undefined, async (signal) => {
    const client = await connect(databaseUrl, signal)
    try {
      const facts = await readFacts(client, options)
      const role = options.role ?? roleOfPools(facts)
      refuseRoles(facts, role, 'the answer shows to whom a row belongs')
      const { tenant, user, set, table, verb } = options
      return await explainRow(client, facts, role, {
        question: { table, row: Object.fromEntries(options.row.map(readPair)), verb: VERBS[verb] },
        subject: { tenant, user, set, secret },
      })
    } finally {
      await client.end().catch(() => {}) // all answers were read, so an error while closing does not matter
    }
  })
  if (options.json) print(JSON.stringify(explanation, undefined, 2))
  else printExplanation(explanation, options.tenant, print)
  process.exitCode = exitCodeOf(explanation)
}

function readPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

function exitCodeOf({ outcome, foreign }: Explanation): number {
  if (outcome === 'unknown') return 2
  return outcome === 'visible' && foreign !== true ? 0 : 1
}

const MARKS = {
  passes: { mark: '✓', colour: 'green' },
  hides: { mark: '✗', colour: 'red' },
  unknown: { mark: '?', colour: 'yellow' },
} as const

function printExplanation(explanation: Explanation, tenant: string, print: (line: string) => void): void {
  const { table, role, verb, readings, outcome, foreign, conclusion } = explanation
  print(`${verb} on ${table}, for tenant ${tenant}, as ${role}`)
  print('')
  for (const reading of readings) printReading(reading, print)
  print('')
  const colour = outcome === 'unknown' ? 'yellow' : (outcome === 'visible') === (foreign !== true) ? 'green' : 'red'
  print(paint(colour, conclusion))
}

function printReading({ what, verdict, sentence, expression }: Reading, print: (line: string) => void): void {
  const { mark, colour } = MARKS[verdict]
  print(`${paint(colour, mark)} ${what}: ${sentence}`)
  for (const line of (expression ?? '').split('\n').filter((part) => part.trim() !== '')) print(`    ${line}`)
}
