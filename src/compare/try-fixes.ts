import { draftsOf } from '../verify/drafts.ts'
import type { Facts } from '../verify/facts.ts'
import { atLeast, type Finding, findingKey } from '../verify/finding.ts'
import { rules } from '../verify/rules/list.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'
import { isHarmless, tell } from './differences.ts'
import type { Trial, TrialResult } from './trial.ts'

/** What a trial says of a fix: nothing against it, or the reason why it is not printed as a statement. */
export type FixVerdict = { readonly harmless: true } | { readonly harmless: false; readonly reason: string }

const HARMLESS: FixVerdict = { harmless: true }

/** Tries the fix of a finding by itself. A fix that is a comment changes nothing. */
export async function tryFix(trial: Trial, finding: Pick<Finding, 'key' | 'fix'>): Promise<FixVerdict> {
  if (splitStatements(finding.fix).statements.length === 0) return HARMLESS
  return judgeTrial(trial, await trial.try(finding.fix), finding)
}

/** @param mended the finding that must be gone afterwards */
export function judgeTrial(
  trial: Trial,
  { refused, differences, after }: TrialResult,
  mended?: Pick<Finding, 'key'>,
): FixVerdict {
  if (refused !== undefined) return against(`the server refuses it: ${refused}`)
  if (!isHarmless(differences)) {
    const harm = tell(differences.filter(({ kind }) => kind !== 'closed'))
    return against(`${harm[0]}${harm.length > 1 ? ` (and ${harm.length - 1} more)` : ''}`)
  }
  if (after === undefined) return HARMLESS
  const before = draftKeys(trial.facts)
  const now = draftKeys(after)
  const fresh = [...now].find(([key, loud]) => loud && !before.has(key))
  if (fresh !== undefined) return against(`it brings a finding of its own: ${fresh[0]}`)
  if (mended === undefined) return HARMLESS
  return before.has(mended.key) && now.has(mended.key) ? against('the finding stays') : HARMLESS
}

function against(reason: string): FixVerdict {
  return { harmless: false, reason }
}

/** What the rules read from the catalog, and whether it is of medium severity or more. */
function draftKeys(facts: Facts): ReadonlyMap<string, boolean> {
  return new Map(
    rules.flatMap((rule) =>
      draftsOf(rule, facts).map((draft) => [
        findingKey(rule.id, draft),
        atLeast(draft.severity ?? rule.severity, 'medium'),
      ]),
    ),
  )
}
