/** One goal of a bench: a ratio of two sides that ran interleaved in one run; the median decides. */
export interface BenchGoal {
  /** What is compared with what, and under which load: `sealed query, 32 callers, x raw pg`. */
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
  /** Correctness checks that failed: a side that did not do the work it was timed for. Any makes the exit code 1. */
  readonly failures: readonly string[]
}

export interface BenchOptions {
  /** Interleaved runs; at least 5. */
  readonly runs: number
  /** Progress for people, on standard error. */
  readonly log: (line: string) => void
}

/** What each `bench/<name>.ts` exports as `bench`. */
export interface Bench {
  readonly name: string
  readonly question: string
  run(options: BenchOptions): Promise<BenchReport>
}
