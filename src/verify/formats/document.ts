import type { Finding, Severity, TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import type { InternalError, VerifySummary } from '../report/report-model.ts'
import type { UnwalledTable } from '../report/unwalled.ts'

/** What a reader must know of a rule. */
export interface RuleInfo {
  readonly id: string
  /** The part of the catalogue it stands in: `rls`, `role`, `grant`, … */
  readonly group: string
  readonly title: string
  readonly severity: Severity
  readonly meaning: string
  readonly remedy: string
}

/** A finding that a baseline accepts. */
export interface AcceptedFinding {
  readonly finding: Finding
  readonly reason: string
  /** `2026-12-31`; undefined: without end. */
  readonly expires: string | undefined
}

/** One line of the success checklist, as the CLI joins it. */
export interface ChecklistEntry {
  readonly section: string
  readonly title: string
  readonly verdict: 'proved' | 'open' | 'failed'
  /** Why, and the command that tries it where it is open. */
  readonly detail: string
}

/** Where an object is made, so that an editor or a code host can point there. */
export interface Location {
  readonly file: string
  readonly line: number
}

/** Counts of one run. The same facts in every format. */
export interface ReportSummary {
  readonly findings: Readonly<Record<Severity, number>>
  readonly accepted: number
  /** Tables times verbs, by verdict. */
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly tables: number
  /** How many rules were asked. */
  readonly rules: number
  /** How many probes attacked; 0 where only the catalog was read. */
  readonly probes: number
  readonly exitCode: 0 | 1 | 2
  /** Why it is that code, as a sentence. */
  readonly verdict: string
}

/** All that a report shows, whatever its format. */
export interface ReportDocument {
  readonly toolVersion: string
  /** What was looked at, as the user named it; never a password. */
  readonly target: string
  readonly failOn: Severity
  /** How it was read: sources, what discovery found. */
  readonly notes: readonly string[]
  /** SQL that makes a role for the application, where the source has none. */
  readonly setUp: readonly string[]
  /** What this run could not look at. */
  readonly gaps: readonly string[]
  /** Of the baseline: entries that expired or match nothing. */
  readonly warnings: readonly string[]
  readonly findings: readonly Finding[]
  readonly accepted: readonly AcceptedFinding[]
  readonly tables: readonly TableVerdict[]
  /** Tables in reach without a wall that are no tenant tables. */
  readonly unwalled: readonly UnwalledTable[]
  /** Attacks that ran; empty where only the catalog was read. */
  readonly attacks: readonly { readonly name: string; readonly title: string }[]
  readonly rules: readonly RuleInfo[]
  readonly checklist: readonly ChecklistEntry[]
  /** Exceptions of partywall itself: bugs, never findings. */
  readonly internalErrors: readonly InternalError[]
  readonly summary: ReportSummary
  /** How the run went, as `verifyDatabase` tells it. */
  readonly run: VerifySummary
  readonly locate: (object: string) => Location | undefined
  /** More of the summary, where a source has it; JSON only. */
  readonly mutants?: MutantSummary
}

/** What `--mutate` found: the proof that this run would have noticed. */
export interface MutantSummary {
  readonly killed: number
  readonly total: number
  readonly survivors: readonly { readonly name: string; readonly object: string; readonly reason: string }[]
}
