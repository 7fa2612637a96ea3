import type { RowsBefore } from '../attack/look-for-rows.ts'
import type { Finding, Severity, TableVerdict } from '../finding/finding.ts'
import type { Verdict } from '../finding/verdict.ts'
import type { Examined } from './examined.ts'
import type { UnwalledTable } from './unwalled.ts'

/** An exception of a rule or attack: a bug of partywall, never a finding. The run's exit code is 2. */
export interface InternalError {
  /** `rule rls-disabled`, `attack read-across`. */
  readonly where: string
  readonly message: string
}

/** The choices that verify made itself (role, setting, tenant columns), and the counts of the run. */
export interface VerifySummary {
  readonly database: string
  readonly serverVersion: number
  /** SHA-256 in hex of what decides about isolation in the schema. Equal for a restored copy. */
  readonly schemaDigest: string
  /** The same digest without the schema and the roles of partywall. Left out if the database has no schema partywall. */
  readonly schemaDigestWithoutPartywall?: string
  readonly mode: 'static' | 'attack'
  /** Whether tenant tables held rows when the run began. Left out if nobody looked: with `--static`, and on a standby. */
  readonly rowsBefore?: RowsBefore
  readonly sealed: boolean
  readonly appRole: string
  /** Each role that was tried. */
  readonly actingRoles: readonly string[]
  readonly tenantColumns: readonly string[]
  readonly setting: string
  readonly rootTable: string | undefined
  /** False if the application can't reach any tenant table by a verb, view or function. The run then says nothing. */
  readonly reachable: boolean
  /** If the application can't reach any tenant table: SQL that grants its role the privileges that an application usually needs. */
  readonly grantsMissing: readonly string[]
  readonly notes: readonly string[]
  readonly counts: {
    readonly findings: Readonly<Record<Severity, number>>
    readonly verdicts: Readonly<Record<Verdict, number>>
    readonly rules: number
    readonly attacks: number
    /** Savepoints in which attacks and controls sent statements, and which were rolled back. */
    readonly probes: number
    readonly tables: number
    readonly tablesPlanted: number
  }
  readonly internalErrors: readonly InternalError[]
}

/** The JSON model of a run: versioned, deterministic, the same for every format. */
export interface VerifyReport {
  readonly version: 1
  readonly findings: readonly Finding[]
  readonly tables: readonly TableVerdict[]
  /** Tables without a tenant that a role of the application may use and that no policy restricts. */
  readonly unwalled: readonly UnwalledTable[]
  readonly summary: VerifySummary
  /** What the run looked at. */
  readonly examined: Examined
}
