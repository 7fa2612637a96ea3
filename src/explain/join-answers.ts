import type { Explanation, JoinedExplanation } from './explanation.ts'

/** Joins the answers for the roles as which the application may work. There is at least one answer. */
export function joinAnswers(first: Explanation, ...others: readonly Explanation[]): JoinedExplanation {
  const answers = [first, ...others]
  const outcome = outcomeOf(answers)
  const { table, verb, foreign } = first
  return { table, verb, outcome, foreign, conclusion: conclusionOf(answers, first, outcome), answers }
}

function outcomeOf(answers: readonly Explanation[]): JoinedExplanation['outcome'] {
  const outcomes = new Set(answers.map(({ outcome }) => outcome))
  // An attacker inside the application can take each of the roles, so one that reaches the row of another tenant is enough.
  if (answers.some(({ outcome, foreign }) => outcome === 'visible' && foreign === true)) return 'visible'
  const [only, ...more] = outcomes
  if (only !== undefined && more.length === 0) return only
  return outcomes.has('unknown') ? 'unknown' : 'depends'
}

function conclusionOf(
  answers: readonly Explanation[],
  first: Explanation,
  outcome: JoinedExplanation['outcome'],
): string {
  if (answers.every(({ conclusion }) => conclusion === first.conclusion)) return first.conclusion
  const lines = answers.map(({ role, conclusion }) => `As ${role}: ${conclusion}`)
  const which =
    outcome === 'depends'
      ? 'The answer depends on the level as which the application runs statements (database.roles, levelOf, access.levels).'
      : 'Only the level as which the application runs statements matters (database.roles, levelOf, access.levels).'
  return [...lines, `${which} Name it with --level, or as level in partywall.config.*.`].join('\n')
}
