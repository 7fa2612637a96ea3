import type { Finding, Severity, TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import type { Examined } from '../report/examined.ts'
import type { InternalError, VerifySummary } from '../report/report-model.ts'
import type { UnwalledTable } from '../report/unwalled.ts'
import type { InputFile } from '../sources/prepared-source.ts'

/** The description of a rule. */
export interface RuleInfo {
  readonly id: string
  /** The group of rules that this rule belongs to: `rls`, `role`, `grant`, … */
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
  /** The last day of the acceptance, such as `2026-12-31`. Undefined if the acceptance does not expire. */
  readonly expires: string | undefined
}

/** One line of the success checklist, as the CLI joins it. */
export interface ChecklistEntry {
  readonly section: string
  readonly title: string
  readonly verdict: 'proved' | 'open' | 'failed'
  /** The reason and, for an open entry, the command that checks the entry. */
  readonly detail: string
}

/** File and line that create an object, so that an editor or a code host can point there. */
export interface Location {
  readonly file: string
  readonly line: number
}

/** Counts of one run. Every format shows the same counts. */
export interface ReportSummary {
  readonly findings: Readonly<Record<Severity, number>>
  readonly accepted: number
  /** Number of verdicts of each kind. Each table has one verdict for each verb. */
  readonly verdicts: Readonly<Record<Verdict, number>>
  readonly tables: number
  /** How many rules ran. */
  readonly rules: number
  /** How many probes the attacks sent; 0 if only the catalog was read. */
  readonly probes: number
  readonly exitCode: 0 | 1 | 2
  /** The reason for the exit code, as a sentence. */
  readonly verdict: string
}

/** When and how a report was made. The JSON format leaves this out, so that the same database gives the same bytes. */
export interface ReportMaking {
  /** When the run started: ISO 8601, in UTC. */
  readonly at: string
  readonly seconds: number
  /** The command line, without passwords. */
  readonly command: string
  readonly nodeVersion: string
  /** When the report was put together: ISO 8601, in UTC. */
  readonly finishedAt?: string
  /** The platform, such as `linux x64`. */
  readonly platform?: string
  /** Name of the working directory, without its parents. */
  readonly directory?: string
  /** The page of the CI job that made the report. Undefined if no CI system that verify knows made it. */
  readonly job?: string | undefined
  /** Undefined if it is not known. */
  readonly git?: GitState | undefined
  /** The input files that were read. */
  readonly inputs?: readonly InputFile[]
  /** partywall's own migrations, if verify ran them before the input files. */
  readonly ownInputs?: readonly InputFile[]
  /** `failOn: medium`: each option in force, without passwords. */
  readonly options?: readonly string[]
}

/** What is checked out in the working directory. */
export interface GitState {
  /** The full hash. */
  readonly commit: string
  /** False if files differ from the commit or are not in it. */
  readonly clean: boolean
}

/**
 * What was judged. `files` and `command`: a PostgreSQL that verify started, and that SQL files or a command filled. `database`: the
 * database of a URL.
 */
export type ReportOrigin = 'files' | 'command' | 'database'

/** Which partywall made a report. */
export interface ToolIdentity {
  /** SHA-256 in hex over the code and the migrations of the package. */
  readonly sha256: string
  /** The number of files that `sha256` covers. */
  readonly files: number
  /** False if partywall ran from its TypeScript sources. */
  readonly built: boolean
  /** Packages that take part in the verdict, such as `pg 8.21.0`. */
  readonly parts: readonly string[]
}

/** An attack that ran. */
interface RanAttack {
  readonly name: string
  readonly title: string
  /** Rules whose findings this attack can confirm. Attacks that reach rows of a table also confirm findings of other rules. */
  readonly rules?: readonly string[]
}

/** The content of a report, independent of its format. */
export interface ReportDocument {
  readonly toolVersion: string
  readonly tool?: ToolIdentity | undefined
  /** The database or files that were verified, as the user named them, without a password. */
  readonly target: string
  readonly failOn: Severity
  readonly origin: ReportOrigin
  /** What the run looked at. */
  readonly examined: Examined
  readonly made?: ReportMaking | undefined
  /** Notes on the sources and on the choices of discovery. */
  readonly notes: readonly string[]
  /** SQL that creates a role for the application, if the source has none. */
  readonly setUp: readonly string[]
  /** Facts that this run could not check. */
  readonly gaps: readonly string[]
  /** Warnings about baseline entries that expired or match no finding. */
  readonly warnings: readonly string[]
  readonly findings: readonly Finding[]
  /** The same findings, without folding: one for each object. */
  readonly singly: readonly Finding[]
  readonly accepted: readonly AcceptedFinding[]
  readonly tables: readonly TableVerdict[]
  /** Tables without a tenant that a role of the application may use and that no policy restricts. */
  readonly unwalled: readonly UnwalledTable[]
  /** Attacks that ran; empty if only the catalog was read. */
  readonly attacks: readonly RanAttack[]
  readonly rules: readonly RuleInfo[]
  readonly checklist: readonly ChecklistEntry[]
  /** Exceptions of partywall itself. They are bugs, never findings. */
  readonly internalErrors: readonly InternalError[]
  readonly summary: ReportSummary
  /** The summary of `verifyDatabase`. */
  readonly run: VerifySummary
  readonly locate: (object: string) => Location | undefined
  /** Result of `--mutate`; only in JSON. */
  readonly mutants?: MutantSummary
}

/** Result of `--mutate`: how many weakened schemas verify noticed. */
export interface MutantSummary {
  readonly killed: number
  readonly total: number
  readonly survivors: readonly { readonly name: string; readonly object: string; readonly reason: string }[]
}
