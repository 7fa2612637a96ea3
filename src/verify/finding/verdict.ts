/** The meaning of one verdict, the exit code that it causes, and its effect on the checklist. */
interface VerdictMeaning {
  readonly meaning: string
  /** `finding`: the severity of the finding behind the verdict decides, together with `--fail-on`. */
  readonly exitCode: '0' | '2' | 'finding'
  readonly checklist: 'closes' | 'stays open' | 'neutral' | 'fails'
}

/** The table of verdicts. docs/verify.md shows it, and every format and command reads it. */
export const VERDICTS = {
  proved: {
    meaning:
      "it is proved that the policies admit only rows of the session's tenant, and a control (see below) succeeded",
    exitCode: '0',
    checklist: 'closes',
  },
  'proved-static': {
    meaning:
      "it is proved that the policies admit only rows of the session's tenant, and no control succeeded: `--static`, a database that holds rows already (without `--attack`), no row could be planted, a tenant did not see its own planted row, or a control could not write its own row",
    exitCode: '0',
    checklist: 'stays open',
  },
  held: {
    meaning: 'attacked, no row of another tenant was reached, and a control was seen working',
    exitCode: '0',
    checklist: 'closes',
  },
  'no-access': {
    meaning: 'no role in reach has this right, or no policy lets it reach a row',
    exitCode: '0',
    checklist: 'neutral',
  },
  leaks: {
    meaning: 'rows of another tenant can be reached; a finding says how',
    exitCode: 'finding',
    checklist: 'fails',
  },
  unproved: {
    meaning:
      'not proved, and no attack could be judged (the report says why); or the control failed, and a finding explains why',
    exitCode: '0',
    checklist: 'stays open',
  },
  unreliable: {
    meaning: 'a planted row is invisible to its own tenant, or a control ended in an error, and no finding explains it',
    exitCode: '2',
    checklist: 'stays open',
  },
} as const satisfies Record<string, VerdictMeaning>

export type Verdict = keyof typeof VERDICTS

/** The verdicts in the order of the table. */
export const VERDICT_NAMES: readonly Verdict[] = [
  'proved',
  'proved-static',
  'held',
  'no-access',
  'leaks',
  'unproved',
  'unreliable',
]

/** A count of 0 for each verdict. */
export function noVerdicts(): Record<Verdict, number> {
  return { proved: 0, 'proved-static': 0, held: 0, 'no-access': 0, leaks: 0, unproved: 0, unreliable: 0 }
}
