/** The question: why does this tenant not see, or not change, this row? */
export interface RowQuestion {
  /** `name` or `schema.name`. */
  readonly table: string
  /** Values of columns that identify one row, as text. */
  readonly row: Readonly<Record<string, string>>
  readonly verb: 'SELECT' | 'UPDATE' | 'DELETE'
}

/** One thing that can hide a row, and whether it does. */
export interface Reading {
  /** What was looked at, such as `policy tenant_isolation_policy`. */
  readonly what: string
  /** `unknown`: it could not be found out; `sentence` says why. */
  readonly verdict: 'passes' | 'hides' | 'unknown'
  readonly sentence: string
  /** The expression of a policy. */
  readonly expression?: string
  /** The GRANT that gives a missing privilege. */
  readonly grant?: string
  /** The columns that a privilege is granted on, if it is not granted on the whole table. */
  readonly columns?: readonly string[]
}

/** The answer for one database role. */
export interface Explanation {
  readonly table: string
  readonly role: string
  readonly verb: RowQuestion['verb']
  readonly readings: readonly Reading[]
  /**
   * `visible`: the row passes. `hidden`: something was found that hides it. `unknown`: neither was shown. For SELECT the answer was compared
   * with what PostgreSQL returns; for UPDATE and DELETE nothing was run.
   */
  readonly outcome: 'visible' | 'hidden' | 'unknown'
  /** Whether the row belongs to another tenant. Undefined if that is not known: no such row, or no tenant column. */
  readonly foreign: boolean | undefined
  readonly conclusion: string
}

/** The answers for the roles as which the application may work, and what they say together. */
export interface JoinedExplanation {
  readonly table: string
  readonly verb: RowQuestion['verb']
  /** `depends`: the row passes for one role and is hidden for another one, so that the level of the application decides. */
  readonly outcome: Explanation['outcome'] | 'depends'
  readonly foreign: boolean | undefined
  readonly conclusion: string
  readonly answers: readonly Explanation[]
}
