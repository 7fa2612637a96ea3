import type { ProtectPlan } from '../change.ts'
import {
  decisionsOf,
  headOf,
  headWithDecisions,
  LOCK_TIMEOUT,
  type MigrationFile,
  RESET_LOCK_TIMEOUT,
  type Script,
  scriptsOf,
  sqlOf,
} from './script.ts'

/**
 * `NNNN_partywall[_phase].up.sql`, numbered after the files in the folder. Down migrations go into a separate folder, because many runners
 * treat every `*.sql` file in their folder as a migration.
 */
export function renderSql(plan: ProtectPlan, existing: readonly string[]): readonly MigrationFile[] {
  const { next, width } = nextNumber(existing)
  return scriptsOf(plan).flatMap((script, at): readonly MigrationFile[] => {
    const number = String(next + at).padStart(width, '0')
    const name = `${number}_partywall${script.slug === '' ? '' : `_${script.slug}`}`
    return [
      { path: `${name}.up.sql`, content: upFile(script) },
      { path: `down/${name}.down.sql`, content: downFile(script) },
    ]
  })
}

/** The whole plan as one script for psql. */
export function renderOneScript(plan: ProtectPlan): string {
  return scriptsOf(plan).map(upFile).join('\n')
}

function upFile(script: Script): string {
  const { decisions } = script
  return file(headWithDecisions(script.phase, decisions), sqlOf(script.up), decisionsOf(decisions), script.apart)
}

function downFile(script: Script): string {
  return file(headOf(script.phase, 'down'), sqlOf(script.down), '', script.apart)
}

function file(head: string, body: string, decisions: string, apart: boolean): string {
  const note = apart
    ? '-- Not inside a transaction: psql -v ON_ERROR_STOP=1 -f FILE'
    : '-- psql -v ON_ERROR_STOP=1 -f FILE'
  const parts = apart
    ? [LOCK_TIMEOUT, body, decisions, RESET_LOCK_TIMEOUT]
    : ['BEGIN;', LOCK_TIMEOUT.replace('SET ', 'SET LOCAL '), body, decisions, 'COMMIT;']
  const nothing = body === '' && decisions === '' ? ['-- Nothing to undo.'] : parts
  return `${[`${head}\n${note}`, ...nothing.filter((part) => part !== '')].join('\n\n')}\n`
}

/** The next number after the highest number in the folder, with as many digits. */
export function nextNumber(existing: readonly string[]): { readonly next: number; readonly width: number } {
  let highest = 0
  let width = 4
  for (const name of existing) {
    const digits = /^(\d{1,9})(?=[_.-])/.exec(name)?.[1]
    if (digits === undefined || Number(digits) < highest) continue
    highest = Number(digits)
    width = digits.length
  }
  return { next: highest + 1, width }
}
