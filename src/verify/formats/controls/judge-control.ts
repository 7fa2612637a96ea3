import type { Verdict } from '../../finding/verdict.ts'
import type { ReportDocument } from '../document.ts'
import type { Control } from './control.ts'
import { mappedRules } from './mapped-rules.ts'

/** What one run says about a line of a standard. */
export type ControlResult =
  | { readonly result: 'not covered'; readonly reason: string }
  /** partywall failed, a control of an attack failed, or no table was in reach. */
  | { readonly result: 'no verdict'; readonly found: FoundFor }
  | { readonly result: 'findings'; readonly found: FoundFor }
  | { readonly result: 'nothing found'; readonly found: FoundFor }

export interface FoundFor {
  /** Ids of the rules that are evidence. */
  readonly rules: readonly string[]
  /** Positions of the findings of these rules in the document. */
  readonly findings: readonly number[]
  /** If the line is about tables: positions of findings of other rules because of which cells leak. */
  readonly leaking: readonly number[]
  /** Keys of findings that a baseline accepts. The holes exist, but do not fail the run. */
  readonly accepted: readonly string[]
  /** If the line is about tables: how many cells were proved or held in this run, and how many controls worked. */
  readonly held: readonly string[]
  /** Sentences that limit the result: cells that leak or are open, no attack, no seal. */
  readonly limits: readonly string[]
}

/** Groups whose rules judge the tables themselves. */
const OF_TABLES: readonly string[] = ['rls', 'policy']

/** Computes the result of a line from the findings, the accepted findings and the verdicts of this run. */
export function judgeControl(control: Control, document: ReportDocument): ControlResult {
  if (control.groups === undefined) return { result: 'not covered', reason: control.missing }
  const rules = mappedRules(control, document.rules).map(({ id }) => id)
  if (rules.length === 0) return { result: 'not covered', reason: 'no rule of this run is about it' }
  const ofTables = control.groups.some((group) => OF_TABLES.includes(group))
  const keys = new Set(ofTables ? document.examined.leaks.flatMap((leak) => leak.keys) : [])
  const places = document.findings.flatMap(({ rule }, at) => (rules.includes(rule) ? [at] : []))
  const leaking = document.findings.flatMap(({ rule, key, alike = [] }, at) =>
    !rules.includes(rule) && [key, ...alike].some((each) => keys.has(each)) ? [at] : [],
  )
  const accepted = document.accepted.flatMap(({ finding: { rule, key } }) =>
    rules.includes(rule) || keys.has(key) ? [key] : [],
  )
  const held = control.groups.includes('rls') && control.groups.includes('policy') ? heldIn(document) : []
  const limits = limitsOf(ofTables, held.length > 0 || rules.includes('setting-forgeable'), document)
  const found = { rules, findings: places, leaking, accepted, held, limits }
  if (document.summary.exitCode === 2) return { result: 'no verdict', found }
  // A line that says that cells leak must not also say that nothing was found, whichever rule explains the leak.
  const some = places.length + leaking.length + accepted.length > 0 || (ofTables && document.summary.verdicts.leaks > 0)
  return { result: some ? 'findings' : 'nothing found', found }
}

/**
 * `17 of 20 cells (table and verb): proved, 3: no-access; 17 of 17 controls worked.` A line of a standard shows this sentence beside its
 * findings.
 */
function heldIn({ summary: { verdicts }, examined: { controls } }: ReportDocument): readonly string[] {
  const cells = Object.values(verdicts).reduce((sum, number) => sum + number, 0)
  if (cells === 0) return []
  const parts = HELD.flatMap((name) => (verdicts[name] === 0 ? [] : [`${verdicts[name]} ${name}`]))
  const worked = controls.filter(({ status }) => status === 'worked').length
  const tried =
    controls.length === 0 ? 'no control ran' : `${worked} of ${controls.length} controls of the attacks worked`
  return [`Of ${cells} cells (table and verb): ${parts.join(', ') || 'none proved or held'}; ${tried}.`]
}

const HELD: readonly Verdict[] = ['proved', 'proved-static', 'held', 'no-access']

function limitsOf(ofTables: boolean, ofContext: boolean, { summary, run }: ReportDocument): readonly string[] {
  const limits: string[] = []
  const { leaks, unproved, unreliable, 'proved-static': unattacked } = summary.verdicts
  const cells = Object.values(summary.verdicts).reduce((sum, number) => sum + number, 0)
  if (ofTables) {
    if (leaks > 0) limits.push(`${leaks} of ${cells} cells (table and verb) leak.`)
    const open = unproved + unreliable + unattacked
    if (open > 0) limits.push(`${open} of ${cells} cells are open: unproved, unreliable or proved without a control.`)
  }
  if (run.mode !== 'attack') limits.push('Nothing was attacked in this run.')
  if (ofContext && !run.sealed)
    limits.push(
      'Contexts are unsealed in this run: a session that can run SQL of its choice can also set the setting that names the tenant. The rule setting-forgeable reports that only for tables whose policies read the setting.',
    )
  return limits
}
