import type { Facts } from '../tenancy/facts.ts'
import { draftsOf } from '../verify/finding/drafts.ts'
import { atLeast, type Finding, type FindingDraft, findingKey } from '../verify/finding/finding.ts'
import type { Rule } from '../verify/finding/rule.ts'
import { rules } from '../verify/rules/list.ts'
import { splitStatements } from '../verify/sources/split-statements.ts'
import { beyondTrial } from './beyond-trial.ts'
import { isHarmless, tell } from './differences.ts'
import type { Trial, TrialResult } from './trial.ts'

/** The verdict about a fix: harmless, or the reason why it is printed only as a comment. */
type FixVerdict = { readonly harmless: true } | { readonly harmless: false; readonly reason: string }

const HARMLESS: FixVerdict = { harmless: true }

/** Tries the fix of one finding. A fix that is only a comment is harmless. @param look see {@link Trial.try} */
export async function tryFix(trial: Trial, finding: Pick<Finding, 'key' | 'fix'>, look = true): Promise<FixVerdict> {
  if (splitStatements(finding.fix).statements.length === 0) return HARMLESS
  const beyond = beyondTrial(finding.fix, trial.facts.catalog.functions.values()) ?? trial.blindTo(finding.fix)
  if (beyond !== undefined) return against(beyond)
  return judgeTrial(trial, await trial.try(finding.fix, look), finding)
}

/** @param mended the fixed finding, which must be gone afterwards */
function judgeTrial(
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
  const before = loudFindings(trial.facts)
  const now = loudFindings(after)
  // After the fix, the same hole may be reported with another key. So a finding on an object that already had a finding is not new.
  const objects = new Set(before.values())
  const fresh = [...now].find(([key, object]) => !before.has(key) && !objects.has(object))
  if (fresh !== undefined) return against(`it causes a new finding: ${fresh[0]}`)
  if (mended === undefined) return HARMLESS
  return allKeys(trial.facts).has(mended.key) && allKeys(after).has(mended.key)
    ? against('the finding stays')
    : HARMLESS
}

function against(reason: string): FixVerdict {
  return { harmless: false, reason }
}

/** Returns the static findings of at least medium severity, as a map from each finding's key to its object. */
function loudFindings(facts: Facts): ReadonlyMap<string, string> {
  return new Map(
    rules.flatMap((rule) =>
      known(rule, facts).flatMap((draft): readonly (readonly [string, string])[] =>
        atLeast(draft.severity?.level ?? rule.severity, 'medium') ? [[findingKey(rule.id, draft), draft.object]] : [],
      ),
    ),
  )
}

/** The findings of a rule. If the rule throws, the result is empty, and the main run reports the internal error. */
function known(rule: Rule, facts: Facts): readonly FindingDraft[] {
  try {
    return draftsOf(rule, facts)
  } catch {
    return []
  }
}

function allKeys(facts: Facts): ReadonlySet<string> {
  return new Set(rules.flatMap((rule) => known(rule, facts).map((draft) => findingKey(rule.id, draft))))
}

interface TryOptions {
  /** Time limit in milliseconds for all fixes together. Fixes that were not tried within it become comments. Default: no limit. */
  readonly budgetMs?: number
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Tries the fixes of the findings. Returns the findings with fixes that may be printed: a fix whose trial did not show it to be harmless
 * becomes a comment with the reason.
 *
 * First each fix is tried alone. Nobody may see or do more than before, and nobody may lose access inside their own tenant. Then all
 * harmless fixes are tried together, and the schema is read again: the fixed findings must be gone, and no new finding may appear.
 */
export async function triedFixes<F extends Pick<Finding, 'key' | 'fix'>>(
  trial: Trial,
  findings: readonly F[],
  { budgetMs = Number.POSITIVE_INFINITY, onProgress }: TryOptions = {},
): Promise<readonly F[]> {
  const until = performance.now() + budgetMs
  const verdicts = new Map<string, FixVerdict>()
  // If two fixes alter the same policy, the second would undo the first. So only the first fix is tried. It belongs to the more severe
  // finding.
  const altered = new Set<string>()
  for (const [at, finding] of findings.entries()) {
    if (verdicts.has(finding.fix)) continue
    const policies = finding.fix.match(/^ALTER POLICY (?:"(?:[^"]|"")*"|\S+) ON (?:"(?:[^"]|"")*"|[^\s"])+/gm) ?? []
    if (policies.some((policy) => altered.has(policy))) {
      verdicts.set(
        finding.fix,
        against('another fix changes this policy too; apply that fix first, then run verify again'),
      )
      continue
    }
    for (const policy of policies) altered.add(policy)
    verdicts.set(
      finding.fix,
      performance.now() > until
        ? against('not tried, because the time limit was reached; with --fix FILE all fixes are tried')
        : await tryFix(trial, finding, false),
    )
    onProgress?.(at + 1, findings.length)
  }
  await tryTogether(trial, findings, verdicts)
  return findings.map((finding) => {
    const verdict = verdicts.get(finding.fix)
    return verdict === undefined || verdict.harmless
      ? finding
      : { ...finding, fix: asComment(finding.fix, verdict.reason) }
  })
}

/**
 * Tries all harmless fixes together. If they are not harmless together, adds the fixes one by one. Keeps a fix if it is harmless together
 * with the fixes that were kept before.
 */
async function tryTogether(
  trial: Trial,
  findings: readonly Pick<Finding, 'key' | 'fix'>[],
  verdicts: Map<string, FixVerdict>,
): Promise<void> {
  const tried = findings.filter(
    ({ fix }, at) =>
      verdicts.get(fix)?.harmless === true &&
      splitStatements(fix).statements.length > 0 &&
      findings.findIndex((other) => other.fix === fix) === at,
  )
  if (tried.length === 0) return
  const result = await trial.try(tried.map(({ fix }) => fix).join('\n'))
  if (judgeTrial(trial, result).harmless) {
    const [before, now] = [allKeys(trial.facts), result.after === undefined ? new Set() : allKeys(result.after)]
    for (const { key, fix } of tried)
      if (before.has(key) && now.has(key)) verdicts.set(fix, against('the finding stays'))
    return
  }
  const kept: string[] = []
  for (const finding of tried) {
    const alone = await tryFix(trial, finding)
    const verdict = alone.harmless ? judgeTrial(trial, await trial.try([...kept, finding.fix].join('\n'))) : alone
    if (verdict.harmless) kept.push(finding.fix)
    else
      verdicts.set(finding.fix, alone.harmless ? against(`together with the fixes above: ${verdict.reason}`) : verdict)
  }
}

/** The fix as an SQL comment, below the reason why it is not printed as a statement. */
export function asComment(fix: string, reason: string): string {
  const lines = fix.split(/\r\n|\r|\n/).map((line) => (/^\s*--/.test(line) ? line : `--   ${line}`))
  return [`-- Not shown to be harmless: ${reason.replace(/\s+/g, ' ')}. Decide, then run:`, ...lines].join('\n')
}
