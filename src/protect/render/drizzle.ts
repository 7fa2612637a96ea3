import { z } from 'zod'
import { ConfigurationError } from '../../errors.ts'
import type { ProtectPlan } from '../change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  LOCK_TIMEOUT,
  type MigrationFile,
  RESET_LOCK_TIMEOUT,
  type Section,
  togetherOf,
} from './script.ts'
import { nextNumber } from './sql.ts'

const BREAK = '--> statement-breakpoint'
const JOURNAL = 'meta/_journal.json'

const journalSchema = z.looseObject({
  entries: z.array(z.looseObject({ idx: z.number(), when: z.number(), tag: z.string() })),
})

/**
 * Returns three files: `NNNN_partywall.sql`, the journal of drizzle-kit with an entry for it, and the down migration in `down/`, which
 * drizzle-kit does not read.
 *
 * @param journal the text of `meta/_journal.json`, if that file exists
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` if the journal can't be read
 */
export function renderDrizzle(
  plan: ProtectPlan,
  existing: readonly string[],
  journal: string | undefined,
  now: Date,
): readonly MigrationFile[] {
  const { next, width } = nextNumber(existing)
  const first = existing.some((name) => /^\d+_.*\.sql$/.test(name)) ? next : 0
  const tag = `${String(first).padStart(width, '0')}_partywall`
  const { up, down } = togetherOf(plan)
  return [
    { path: `${tag}.sql`, content: file(headWithDecisions('all', plan.decisions), up, decisionsOf(plan.decisions)) },
    { path: `down/${tag}.sql`, content: file(headOf('all', 'down'), down, '') },
    { path: JOURNAL, content: withEntry(journal, tag, now) },
  ]
}

function file(intro: string, sections: readonly Section[], decisions: string): string {
  const statements = sections.flatMap(({ title, statements }) =>
    statements.map((statement, at) => (at === 0 ? `-- ${title.replace(/\s+/g, ' ')}\n${statement}` : statement)),
  )
  // The decisions do not get a separate part, because it would contain only comments.
  const last = decisions === '' ? RESET_LOCK_TIMEOUT : `${decisions}\n\n${RESET_LOCK_TIMEOUT}`
  return `${intro}\n\n${[LOCK_TIMEOUT, ...statements, last].join(`\n${BREAK}\n`)}\n`
}

/** Adds an entry to the journal. drizzle runs each entry with a later time than the last entry that it ran. */
function withEntry(journal: string | undefined, tag: string, now: Date): string {
  const known = journal === undefined ? { version: '7', dialect: 'postgresql', entries: [] } : parseJournal(journal)
  const last = known.entries.at(-1)
  const entry = {
    idx: last === undefined ? 0 : last.idx + 1,
    version: '7',
    when: Math.max(now.getTime(), (last?.when ?? 0) + 1),
    tag,
    breakpoints: true,
  }
  return `${JSON.stringify({ ...known, entries: [...known.entries, entry] }, null, 2)}\n`
}

/** Returns the object as JSON.parse() made it. zod's copy would have its keys in another order, and each line of the file would change. */
function parseJournal(text: string): Journal {
  const refuse = (cause?: unknown) =>
    new ConfigurationError(`--out: ${JOURNAL} is no journal of drizzle-kit.`, { cause })
  let journal: unknown
  try {
    journal = JSON.parse(text)
  } catch (cause) {
    throw refuse(cause)
  }
  if (!isJournal(journal)) throw refuse()
  return journal
}

type Journal = z.infer<typeof journalSchema>

function isJournal(value: unknown): value is Journal {
  return journalSchema.safeParse(value).success
}
