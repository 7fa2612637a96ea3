import { z } from 'zod'
import { parseOptions } from '../../src/config/parse-options.ts'
import { explainRow } from '../../src/explain/explain-row.ts'
import type { Explanation, JoinedExplanation, Reading } from '../../src/explain/explanation.ts'
import { findTable } from '../../src/explain/find-row.ts'
import { joinAnswers } from '../../src/explain/join-answers.ts'
import { readFacts, refuseRoles, rolesOfPools } from '../../src/explain/tenant-session.ts'
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
  level: z.enum(['tenant_user', 'tenant_admin']).optional(),
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
  const configured = await withProjectConfig(flags, ['databaseUrl', 'appRole', 'setting', 'level'])
  const options = parseOptions(schema, configured, 'partywall explain')
  const databaseUrl = databaseUrlFrom(options.databaseUrl)
  const secret = environment(options.sealSecretEnv)
  const explanation = await untilInterrupted(undefined, async (signal) => {
    const client = await connect(databaseUrl, signal)
    try {
      const facts = await readFacts(client, options)
      const { tenant, user, set, table, verb } = options
      const given = options.role ?? options.level
      const [role, ...others] = given === undefined ? rolesOfPools(facts, findTable(facts, table)) : [given]
      const answerFor = async (each: string) => {
        refuseRoles(facts, each, 'the answer shows to whom a row belongs')
        return explainRow(client, facts, each, {
          question: { table, row: Object.fromEntries(options.row.map(readPair)), verb: VERBS[verb] },
          subject: { tenant, user, set, secret },
        })
      }
      const first = await answerFor(role)
      const answers: Explanation[] = []
      for (const each of others) answers.push(await answerFor(each))
      return joinAnswers(first, ...answers)
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

function exitCodeOf({ outcome, foreign }: JoinedExplanation): number {
  if (outcome === 'unknown' || outcome === 'depends') return 2
  return outcome === 'visible' && foreign !== true ? 0 : 1
}

const MARKS = {
  passes: { mark: '✓', colour: 'green' },
  hides: { mark: '✗', colour: 'red' },
  unknown: { mark: '?', colour: 'yellow' },
} as const

function printExplanation(joined: JoinedExplanation, tenant: string, print: (line: string) => void): void {
  const { table, verb, answers, outcome, foreign, conclusion } = joined
  print(`${verb} on ${table}, for tenant ${tenant}`)
  for (const { roles, readings } of withEqualReadings(answers)) {
    print('')
    print(`As ${roles.join(' and as ')}:`)
    for (const reading of readings) printReading(reading, print)
  }
  print('')
  const isAnswered = outcome === 'visible' || outcome === 'hidden'
  const colour = !isAnswered ? 'yellow' : (outcome === 'visible') === (foreign !== true) ? 'green' : 'red'
  for (const line of conclusion.split('\n')) print(paint(colour, line))
}

/** Roles about which the same was read are printed once. */
function withEqualReadings(answers: readonly Explanation[]) {
  const groups = new Map<string, { readonly roles: string[]; readonly readings: readonly Reading[] }>()
  for (const { role, readings } of answers) {
    const key = JSON.stringify(readings)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { roles: [role], readings })
    else group.roles.push(role)
  }
  return groups.values()
}

function printReading({ what, verdict, sentence, expression }: Reading, print: (line: string) => void): void {
  const { mark, colour } = MARKS[verdict]
  print(`${paint(colour, mark)} ${what}: ${sentence}`)
  for (const line of (expression ?? '').split('\n').filter((part) => part.trim() !== '')) print(`    ${line}`)
}
