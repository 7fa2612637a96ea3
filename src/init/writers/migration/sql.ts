import type { ProtectPlan } from '../../../protect/change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  LOCK_TIMEOUT,
  type MigrationFile,
  RESET_LOCK_TIMEOUT,
  type Section,
  sqlOf,
  togetherOf,
} from '../../../protect/render/script.ts'

const NOTE = `-- Your runner may run this file in one transaction. On large tables take the files of
-- partywall protect --seal --out DIR instead, which build indexes concurrently, and run them with psql.`

/**
 * One file, numbered after the existing files and named like them: `003_partywall.sql`, `003_partywall.up.sql`,
 * `20260131093000_partywall.sql`.
 */
export function sqlFiles(plan: ProtectPlan, existing: readonly string[]): readonly MigrationFile[] {
  const { up, down } = togetherOf(plan)
  const name = nextName(existing)
  const paired = existing.some((each) => each.endsWith('.up.sql'))
  const upFile = {
    path: `${name}${paired ? '.up' : ''}.sql`,
    content: text([headWithDecisions('all', plan.decisions), NOTE], up, decisionsOf(plan.decisions)),
  }
  const content = text([headOf('all', 'down')], down, '')
  // A runner that takes each *.sql file must not find the down migration.
  return [upFile, { path: paired ? `${name}.down.sql` : `down/${name}.down.sql`, content }]
}

function text(head: readonly string[], body: readonly Section[], decisions: string): string {
  const parts = [...head, LOCK_TIMEOUT, sqlOf(body), decisions, RESET_LOCK_TIMEOUT]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** The number after the highest one, with as many digits and the same separator. Without migrations: `001_partywall`. */
function nextName(existing: readonly string[]): string {
  let highest = { value: 0n, digits: '000', separator: '_' }
  for (const name of existing) {
    const match = /^(\d{1,17})([-_.]+)/.exec(name)
    if (match === null) continue
    const [, digits = '0', separator = '_'] = match
    if (BigInt(digits) >= highest.value) highest = { value: BigInt(digits), digits, separator }
  }
  const next = String(highest.value + 1n).padStart(highest.digits.length, '0')
  return `${next}${highest.separator === '.' ? '_' : highest.separator}partywall`
}
