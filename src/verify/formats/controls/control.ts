/** A line of a standard, and what this report says of it. */
export interface Control {
  /** `CC6.1`, `A.8.3`, `Do 2`. */
  readonly id: string
  /** What the line asks for, in our words. */
  readonly asks: string
  /** The groups of rules whose results are evidence. Undefined: this report is no evidence, and `says` gives the reason. */
  readonly groups?: readonly string[] | undefined
  readonly says: string
}

/** A standard, and where it is published (without a scheme: the report contains nothing that a browser could fetch). */
export interface Standard {
  readonly title: string
  readonly source: string
  readonly controls: readonly Control[]
}
