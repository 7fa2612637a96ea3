import { qualifiedName } from '../../catalog/names.ts'
import type { Verb } from '../../catalog/verbs.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { BatchAnswer, BatchProbe } from './batch.ts'
import type { Crosser } from './crosser.ts'
import type { AttackSession } from './session.ts'

/**
 * What one attack sent to one object. Only one probe is kept: the probe with the most statements and, among several such probes, the one
 * whose context sets the most. An attack that compares two answers sends the plain statement first, so its longest probe shows best what
 * the attack is about.
 */
export interface SentStatement {
  readonly attack: string
  /** Label of the first table, view or judged function that the statements name. */
  readonly object: string
  /** Set only if the attack tries verbs of tables. */
  readonly verb: Verb | undefined
  /** The role and context that were set before the statements. Undefined if `statements` set them. */
  readonly by: Crosser | undefined
  /** The statements as they were sent. Their values are those of planted rows. */
  readonly statements: readonly string[]
  /** A query that returns one value. The planting role used this query to look for an effect. */
  readonly check: string | undefined
  /**
   * The outcome of the last statement that answered: `no row`, `2 rows`, `error 23505`, `error 42501: permission denied for table notes`.
   */
  readonly outcome: string
  /** How often the attack named the object (and the verb, if there is one), in probes and in statements of a batch. */
  readonly tries: number
}

/** The part of an observation that decides which statements reached nothing. */
interface Reached {
  readonly object: string
  readonly tables?: readonly string[]
  readonly verbs?: readonly Verb[]
}

/** A probe that is running. */
interface Frame {
  by: Crosser | undefined
  enter: string
  readonly statements: string[]
  outcome: string | undefined
}

// A name that contains a quotation mark is not found, so the statements on such an object are not kept.
const NAME = /(?:"[^"]{1,63}"|\b[a-z_][\w$]{0,62})\.(?:"[^"]{1,63}"|[a-z_][\w$]{0,62})/g

/**
 * Keeps, for each attack and object, the statements of one probe, so that a report can show what an attack tried on an object where it
 * reached nothing.
 *
 * A probe that names no judged object is not kept.
 */
export class SentStatements {
  readonly #labels = new Map<string, string>()
  readonly #kept = new Map<string, { readonly sent: SentStatement; readonly rank: number }>()
  #attack: string | undefined
  #frame: Frame | undefined
  #paused = false

  constructor({ catalog, relations, functions }: Facts) {
    for (const relation of catalog.relations.values()) this.#labels.set(qualifiedName(relation), relation.label)
    for (const fn of functions) this.#labels.set(qualifiedName(fn), fn.label)
    for (const relation of relations) this.#labels.set(qualifiedName(relation), relation.label)
  }

  /** Sets the attack whose statements follow. Undefined if statements of planting or of controls follow, which are not kept. */
  begin(attack: string | undefined): void {
    this.#attack = attack
  }

  /** A session whose probes are kept. */
  listen(session: AttackSession): AttackSession {
    const seen = async <T>(sql: string, answer: Promise<T>, outcome: (value: T) => string): Promise<T> => {
      const frame = this.#paused ? undefined : this.#frame
      frame?.statements.push(sql)
      try {
        const value = await answer
        if (frame !== undefined) frame.outcome = outcome(value)
        return value
      } catch (error) {
        if (frame !== undefined) frame.outcome = errorOf(codeOf(error), error instanceof Error ? error.message : '')
        throw error
      }
    }
    return {
      ...session,
      run: (sql) => seen(sql, session.run(sql), () => 'no error'),
      text: (sql, values) => seen(sql, session.text(sql, values), ({ count }) => rowsIn(count)),
      probe: (fn) => this.#probe(session, fn),
    }
  }

  async #probe<T>(session: AttackSession, fn: () => Promise<T>): ReturnType<typeof session.probe<T>> {
    // A probe inside a probe belongs to the outer one.
    if (this.#frame !== undefined || this.#paused || this.#attack === undefined) return session.probe(fn)
    const frame: Frame = { by: undefined, enter: '', statements: [], outcome: undefined }
    this.#frame = frame
    try {
      return await session.probe(fn)
    } finally {
      this.#frame = undefined
      const { by, enter, statements, outcome } = frame
      if (outcome !== undefined) this.#keep({ by, verb: undefined, statements, check: undefined, outcome }, enter)
    }
  }

  /** Runs `fn` without keeping its statements, because they are no attack, such as a look at the planted rows. */
  async aside<T>(fn: () => Promise<T>): Promise<T> {
    const before = this.#paused
    this.#paused = true
    try {
      return await fn()
    } finally {
      this.#paused = before
    }
  }

  /**
   * Call this inside a probe when the role and context were set. The report then names the role and the context instead of their SQL.
   *
   * @param enter the SQL that set the role and the context
   */
  actAs(by: Crosser, enter: string): void {
    if (this.#frame === undefined || this.#paused) return
    this.#frame.by = by
    this.#frame.enter = enter
    this.#frame.statements.length = 0
  }

  /** Sends the probes of one batch and keeps each of them. The batch itself is one large statement, which is not kept. */
  async batch(
    by: Crosser,
    enter: string,
    probes: readonly BatchProbe[],
    send: () => Promise<ReadonlyMap<string, BatchAnswer>>,
  ): Promise<ReadonlyMap<string, BatchAnswer>> {
    const answers = await this.aside(send)
    for (const { key, sql, judge, verb } of probes) {
      const answer = answers.get(key)
      if (answer === undefined) continue
      const said = answer.ok ? rowsIn(answer.rows) : errorOf(answer.code, answer.text)
      // The check of an UPDATE is the place of the row on disk, which has no meaning for a reader.
      const checked = answer.judged === null || verb === 'update' ? '' : `; the check gave ${answer.judged}`
      this.#keep({ by, verb, statements: [sql], check: judge, outcome: `${said}${checked}` }, enter)
    }
    return answers
  }

  /** Returns what was sent to objects about which these observations of attacks say nothing. */
  held(observed: ReadonlyMap<string, readonly Reached[]>): readonly SentStatement[] {
    const labels = new Set(this.#labels.values())
    const all = [...this.#kept.values()].map(({ sent }) => sent)
    return all.filter(({ attack, object, verb }) =>
      (observed.get(attack) ?? []).every((seen) => {
        const objects = [seen.object, ...(seen.tables ?? [])]
        // An observation about a role or the database does not tell which statements it is about.
        if (!labels.has(seen.object)) return false
        if (!objects.includes(object)) return true
        return verb !== undefined && seen.verbs !== undefined && !seen.verbs.includes(verb)
      }),
    )
  }

  #keep(sent: Omit<SentStatement, 'attack' | 'object' | 'tries'>, enter: string): void {
    const attack = this.#attack
    const object = this.#objectIn(sent.statements)
    if (attack === undefined || object === undefined) return
    const key = JSON.stringify([attack, object, sent.verb])
    const before = this.#kept.get(key)
    const tries = (before?.sent.tries ?? 0) + 1
    const rank = sent.statements.length * 1e6 + enter.length
    if (before === undefined || before.rank < rank)
      this.#kept.set(key, { sent: { attack, object, ...sent, tries }, rank })
    else this.#kept.set(key, { sent: { ...before.sent, tries }, rank: before.rank })
  }

  #objectIn(statements: readonly string[]): string | undefined {
    for (const statement of statements)
      for (const [name] of statement.matchAll(NAME)) {
        const label = this.#labels.get(name)
        if (label !== undefined) return label
      }
    return undefined
  }
}

function rowsIn(count: number): string {
  return count === 0 ? 'no row' : `${count} ${count === 1 ? 'row' : 'rows'}`
}

/** The message of 42501 tells who refused: a policy, a missing privilege, or code of the schema that raises this error. */
function errorOf(code: string, text: string): string {
  return code === '42501' ? `error ${code}: ${text.split('\n')[0] ?? ''}` : `error ${code}`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'without a code'
}
