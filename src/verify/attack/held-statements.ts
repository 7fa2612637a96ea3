import type { Facts } from '../../tenancy/facts.ts'
import type { ExaminedHeld, HeldStatement } from '../report/examined.ts'
import type { Contexts } from './contexts.ts'
import { type Crosser, crosser } from './crosser.ts'
import { becomeSql } from './identity.ts'
import type { Planting } from './planting.ts'
import { insertsOf, statementsOf } from './repeat-script.ts'
import { splitSeal } from './seal-script.ts'
import type { SentStatement } from './sent-statements.ts'

interface HeldParts {
  readonly facts: Facts
  readonly planting: Planting
  readonly contexts: Contexts
}

/** SQL that puts a session into the role and context in which verify sent an attack or a control. */
interface Entry {
  readonly by: Crosser
  readonly seal: readonly string[]
  readonly sql: string
}

/** Returns what a reader needs to send the statements again: the planted rows, the SQL of each role and context, and the statements. */
export function heldStatements(parts: HeldParts, sent: readonly SentStatement[]): ExaminedHeld {
  const { facts, contexts } = parts
  const entries = facts.acting.flatMap((role) =>
    [contexts.a, contexts.b, ...contexts.strangers, contexts.unset].flatMap((context) =>
      entryOf(facts, crosser(role, context)),
    ),
  )
  const statements = sent.flatMap((each) => statementOf(each, entries, facts))
  const roles = new Set(statements.map(({ by }) => by))
  // An attack runs as tenant A, and its control runs the same statement as tenant B. So include the context of tenant B, too.
  const used = (name: string) => roles.has(name) || roles.has(name.replace(/tenant B$/, 'tenant A'))
  const actors = new Map(
    entries
      .filter(({ by }) => used(by.name))
      .map(({ by, seal, sql }) => [by.name, [...seal, ...statementsOf(sql)].join('\n')] as const),
  )
  return {
    rows: facts.relations.flatMap((relation) => {
      const sql = relation.isPartition ? [] : insertsOf(parts, relation)
      return sql.length === 0 ? [] : [{ object: relation.label, sql: sql.join('\n') }]
    }),
    actors: [...actors].map(([name, sql]) => ({ name, sql })),
    statements,
  }
}

function entryOf(facts: Facts, by: Crosser): readonly Entry[] {
  const split = splitSeal(by.context.sql(by.role))
  return split === undefined ? [] : [{ by, seal: split.seal, sql: `${becomeSql(facts, by.role)};${split.rest}` }]
}

/**
 * Returns the statements of one attack as the report shows them. The result is empty if they contain a seal for which the report has no
 * SQL that makes it again: a report must not contain a seal.
 */
function statementOf(sent: SentStatement, entries: readonly Entry[], facts: Facts): readonly HeldStatement[] {
  const { by, statements, check, attack, object, verb, outcome, tries } = sent
  const splits = statements.map(splitSeal)
  const [first] = splits
  // Several entries may match, because the SQL of a session without a setting is a prefix of the SQL of all other sessions. Take the
  // longest entry.
  const [entry] = by === undefined ? entries.filter(({ sql }) => first?.rest.startsWith(sql)).sort(longest) : []
  const texts: string[] = []
  for (const [at, split] of splits.entries()) {
    const opens = at === 0 && entry !== undefined
    if (split === undefined || (split.seal.length > 0 && !opens)) return []
    texts.push(opens ? split.rest.slice(entry.sql.length) : split.rest)
  }
  // An attack may add settings to a context without changing the context's name.
  const own = by === undefined ? undefined : entryOf(facts, by)[0]
  if (by !== undefined && own === undefined) return []
  const usual = own === undefined || entries.some((each) => each.by.name === own.by.name && each.sql === own.sql)
  const actor = usual ? (by ?? entry?.by) : undefined
  const before = usual || own === undefined ? [] : [...own.seal, ...statementsOf(own.sql)]
  const judge = check === undefined ? undefined : splitSeal(check)
  return [
    {
      attack,
      object,
      ...(verb === undefined ? {} : { verb }),
      ...(actor === undefined ? {} : { by: actor.name, role: actor.role.role.name }),
      sql: [...before, ...texts.filter((text) => !['', 'select 1'].includes(text.trim())).flatMap(statementsOf)].join(
        '\n',
      ),
      // After an error the transaction is aborted, so no check can run.
      ...(judge === undefined || judge.seal.length > 0 || outcome.startsWith('error')
        ? {}
        : { check: `${judge.rest};` }),
      outcome,
      tries,
    },
  ]
}

function longest(a: Entry, b: Entry): number {
  return b.sql.length - a.sql.length
}
