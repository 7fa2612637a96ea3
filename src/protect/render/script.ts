import { APART, type Change, type Decision, PHASES, type Phase, type ProtectPlan } from '../change.ts'
import { commentedOut, commentLine } from '../sql-text.ts'

/** One generated file; `path` is relative to the folder of --out. */
export interface MigrationFile {
  readonly path: string
  readonly content: string
}

/** The statements of one phase, up or down. */
export interface Script {
  readonly phase: Phase
  /** Suffix of the file's name after `partywall`; empty for the phase `protect`. */
  readonly slug: string
  /** Whether the statements must not run inside a transaction, because each contains a COMMIT or uses CONCURRENTLY. */
  readonly apart: boolean
  readonly up: readonly Section[]
  readonly down: readonly Section[]
  /** Decisions that stand at the end of the up migration: those of the plan in its last script. */
  readonly decisions: readonly Decision[]
}

/** Statements under one heading. */
export interface Section {
  readonly title: string
  readonly statements: readonly string[]
}

/** If a lock is not free within 5 s, the statement fails instead of making other sessions queue behind it. Then run the file again. */
export const LOCK_TIMEOUT = "SET lock_timeout = '5s';"
export const RESET_LOCK_TIMEOUT = 'RESET lock_timeout;'

/** Scripts in the order in which they run; phases without changes are left out. */
export function scriptsOf(plan: ProtectPlan): readonly Script[] {
  const scripts = PHASES.flatMap((phase): readonly Script[] => {
    const changes = plan.changes.filter((change) => change.phase === phase)
    if (changes.length === 0) return []
    const slug = phase === 'protect' ? '' : phase
    const up = sections(changes, (change) => change.up)
    const down = sections(changes.toReversed(), (change) => change.down)
    return [{ phase, slug, apart: APART.has(phase), up, down, decisions: [] }]
  })
  return scripts.map((script, at) => (at === scripts.length - 1 ? { ...script, decisions: plan.decisions } : script))
}

/** Everything as one script for tools that run a migration in one transaction. */
export function togetherOf(plan: ProtectPlan): Pick<Script, 'up' | 'down'> {
  return {
    up: sections(plan.changes, (change) => change.upTogether ?? change.up),
    down: sections(plan.changes.toReversed(), (change) => change.downTogether ?? change.down),
  }
}

function sections(changes: readonly Change[], statementsOf: (change: Change) => readonly string[]): readonly Section[] {
  const list: { title: string; statements: string[] }[] = []
  for (const change of changes) {
    const statements = statementsOf(change)
    if (statements.length === 0) continue
    const last = list.at(-1)
    if (last?.title === change.object) last.statements.push(...statements)
    else list.push({ title: change.object, statements: [...statements] })
  }
  return list
}

/** Sections as SQL, each under its heading. */
export function sqlOf(parts: readonly Section[]): string {
  return parts.map(({ title, statements }) => [commentLine(title), ...statements].join('\n')).join('\n\n')
}

/** The first lines of a file that runs everything or the last phase; they point to the decisions. */
export function headWithDecisions(phase: Phase | 'all', decisions: readonly Decision[]): string {
  const head = headOf(phase, 'up')
  if (decisions.length === 0) return head
  return `${head}\n-- The list TO DECIDE at the end has the changes that are left to you. Some of its statements can run only once: make those comments again before
-- you run the file a second time.`
}

/**
 * The decisions as comments of JavaScript, for migrations that are code. They belong after all statements of the up migration.
 *
 * @param call the code that runs a statement, such as `await knex.raw(…)`
 */
export function decisionsAsCode(decisions: readonly Decision[], call: (sql: string) => string): string {
  if (decisions.length === 0) return ''
  const lines = decisions.flatMap(({ object, reason, sql }) => [
    `* ${object}: ${reason}`.replace(/\s+/g, ' '),
    // Each of these characters ends a line comment of JavaScript.
    ...(sql === undefined
      ? []
      : call(sql)
          .split(/\r\n|[\r\n\u2028\u2029]/)
          .map((line) => `  ${line}`)),
  ])
  return [DECIDE, ...lines].map((line) => `// ${line}`).join('\n')
}

const DECIDE = 'TO DECIDE. These changes are left to you:'

/**
 * The decisions that a person must make, as SQL comments. They belong after all statements: a REVOKE that a person uncomments must not be
 * undone by a GRANT below it.
 */
export function decisionsOf(decisions: readonly Decision[]): string {
  if (decisions.length === 0) return ''
  const items = decisions.map(({ object, reason, sql }) =>
    [commentLine(`* ${object}: ${reason}`), ...(sql === undefined ? [] : [commentedOut(sql)])].join('\n'),
  )
  return [`-- ${DECIDE}`, ...items].join('\n')
}

const INTRODUCTIONS: Readonly<Record<Phase, string>> = {
  columns: 'Adds tenant columns to child tables. Short locks; rewrites nothing.',
  backfill: 'Fills the new tenant columns from the parents, in batches that commit. You can stop it and run it again.',
  indexes: 'Builds indexes without stopping writes. You can stop it and run it again.',
  keys: 'Adds keys that contain the tenant. Existing rows are not checked yet, so locks are short.',
  validate: 'Checks the existing rows against the new keys; reads and writes go on.',
  protect:
    'Row security, policies, guards and grants: one transaction, so that the tables are never protected only in part.',
}

/** The first lines of a file. */
export function headOf(phase: Phase | 'all', direction: 'up' | 'down'): string {
  if (direction === 'down')
    return '-- partywall protect: down migration. Afterwards the tables are as open as they were before. Statements of TO DECIDE that you ran stay in force, unless a statement below undoes them.'
  const what =
    phase === 'all'
      ? 'tenant isolation of your own tables: columns, keys, row security, policies, guards and grants.'
      : INTRODUCTIONS[phase]
  return `-- partywall protect: ${what}\n-- Every statement can be run twice. Run it as the owner of the tables.`
}
