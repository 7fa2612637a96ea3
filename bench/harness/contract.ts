/** One goal of a bench: the ratio of two sides that were measured alternately. The median of the runs decides. */
export interface BenchGoal {
  /** The two sides and the load: `sealed query, 32 callers, x raw pg` means the first relative to raw pg. */
  readonly goal: string
  readonly ratio: number
  /** The smallest and the largest ratio over the runs. */
  readonly low: number
  readonly high: number
  readonly target: number
  /** Whether the goal is a floor (`at-least`, the default) or a ceiling. */
  readonly direction: 'at-least' | 'at-most'
  readonly met: boolean
}

export interface BenchReport {
  readonly goals: readonly BenchGoal[]
  /** Throughput, latencies and settings behind the goals; printed as they are with `--json`. */
  readonly details: Readonly<Record<string, unknown>>
  /** Failed correctness checks: a side did not do the measured work. The exit code is then 1. */
  readonly failures: readonly string[]
}

export interface BenchOptions {
  /** Interleaved runs; at least 5. */
  readonly runs: number
  /** Prints progress on standard error. */
  readonly log: (line: string) => void
}

/** The type of the export `bench` of each `bench/<name>.ts`. */
export interface Bench {
  readonly name: string
  readonly question: string
  run(options: BenchOptions): Promise<BenchReport>
}
