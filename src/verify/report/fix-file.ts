import type { Finding } from '../finding/finding.ts'
import { splitStatements } from '../sources/split-statements.ts'

/**
 * The order in which fixes can be run: keys and columns, which policies need; then policies and row-level security; then views, functions
 * and other objects. Privileges and roles come last, because earlier statements may still need them.
 */
const groupOrder = ['key', 'policy', 'rls', 'object', 'code', 'metadata', 'context', 'grant', 'escape', 'role']

/**
 * All fixes as one file: one transaction, followed by the statements that can't run in a transaction.
 *
 * A statement that several findings need is written once.
 *
 * @param groupOf the rule's group: `rls`, `grant`, …
 */
export function renderFixFile(
  findings: readonly Finding[],
  groupOf: (rule: string) => string | undefined,
  target: string,
): string {
  const rank = (finding: Finding) => {
    const index = groupOrder.indexOf(groupOf(finding.rule) ?? '')
    return index === -1 ? groupOrder.length : index
  }
  const ordered = findings.toSorted((a, b) => rank(a) - rank(b))
  const seen = new Set<string>()
  const told: string[] = []
  const inside: string[] = []
  const apart: string[] = []
  for (const finding of ordered) {
    const { statements, comments } = partsOf(finding.fix, seen)
    const title = `-- ${finding.rule}: ${finding.object.replace(/\s+/g, ' ')}`
    const own = statements.filter((statement) => !refusesTransaction(statement))
    if (told.length === 0 && own.some(bringsPolicies)) told.push(TAKEN)
    const outside = statements.filter(refusesTransaction)
    if (own.length > 0 || comments.length > 0) inside.push([title, ...comments, ...own.map(withEnd)].join('\n'))
    if (outside.length > 0) apart.push([title, ...outside.map(withEnd)].join('\n'))
  }
  const parts = [
    `-- Fixes for what partywall verify found in ${target.replace(/\s+/g, ' ')}.
-- Read it first: comments say what a person must decide. Run it as the migration role:
--   psql -v ON_ERROR_STOP=1 -f FILE`,
    ...told,
  ]
  if (inside.length > 0) parts.push("BEGIN;\nSET LOCAL lock_timeout = '5s';", ...inside, 'COMMIT;')
  if (apart.length > 0)
    parts.push("-- These statements can't run in a transaction. Each takes effect at once.", ...apart)
  if (inside.length === 0 && apart.length === 0) parts.push('-- Nothing to fix.')
  return `${parts.join('\n\n')}\n`
}

const TAKEN = `-- With row-level security, sessions without a tenant (a sign-in, a sign-up, a webhook) see no row of the table.
-- With FORCE, the owner's sessions without a tenant (seeds, jobs) see no row either. Change this code first: see docs/protect.md,
-- "Before the tenant is known".`

function bringsPolicies(statement: string): boolean {
  return /^alter table .*\b(?:enable|force) row level security\b/is.test(statement)
}

/** The statements of a fix that no earlier finding had, and its comment lines. */
function partsOf(fix: string, seen: Set<string>): { statements: readonly string[]; comments: readonly string[] } {
  const statements = splitStatements(fix).statements.map((statement) => statement.text)
  // DROP … IF EXISTS before a CREATE belongs to that CREATE. Keep it even if another fix has the same DROP.
  const makesRoom = (at: number) =>
    /^drop\s+\w+\s+if\s+exists\b/i.test(statements[at] ?? '') && !seen.has(statements[at + 1] ?? '')
  const fresh = statements.filter(
    (statement, at) => !seen.has(statement) || (at + 1 < statements.length && makesRoom(at)),
  )
  for (const statement of fresh) seen.add(statement)
  const inStatements = statements.join('\n')
  const comments = fix.split('\n').filter((line) => /^\s*--/.test(line) && !inStatements.includes(line))
  // Comments explain the statement below them. So leave them out only if no statement follows and every line was written before.
  const told = fresh.length === 0 && comments.every((line) => seen.has(line)) ? [] : comments
  for (const line of told) seen.add(line)
  return { statements: fresh, comments: told }
}

function refusesTransaction(statement: string): boolean {
  return /^(?:create|drop)\s+(?:unique\s+)?index\s+concurrently\b|^reindex\b.*\bconcurrently\b|^alter\s+system\b|^vacuum\b/i.test(
    statement,
  )
}

function withEnd(statement: string): string {
  return `${statement};`
}
