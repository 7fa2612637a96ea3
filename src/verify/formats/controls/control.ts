import type { RuleId } from '../../finding/rule-id.ts'

/**
 * A line of a standard. Its text says only what the report looks at. The result is computed from the run, because the report of a schema
 * that leaks has the same line.
 */
export type Control = {
  readonly id: string
  /** What the line asks for, in our words. */
  readonly asks: string
} & (
  | {
      /** The groups of rules whose results are evidence. Rules about speed are left out. */
      readonly groups: readonly string[]
      /** Rules of other groups. */
      readonly also?: readonly RuleId[]
      /** What these rules look at, without a result. */
      readonly looks: string
      /** What the line asks for although this report does not look at it. */
      readonly limits?: string
    }
  | {
      readonly groups?: undefined
      /** Why this report is no evidence for the line. */
      readonly missing: string
    }
)

/** A standard, and where it is published (without a scheme: the report contains nothing that a browser could fetch). */
export interface Standard {
  readonly title: string
  readonly source: string
  /** Which lines of the standard are listed here, and what that means for the other lines. */
  readonly selection: string
  readonly controls: readonly Control[]
}
