/** The result of one side in one run. */
interface Throughput {
  readonly perSecond: number
  /** Milliseconds of each call, for percentiles. */
  readonly latenciesMs: readonly number[]
}

/**
 * Runs `call` from a fixed number of callers for a bounded time; each caller starts its next call when its last one has ended.
 *
 * @param options.callers number of concurrent callers
 * @param options.forMs duration; calls that are running at the end are awaited and counted
 */
export async function throughput(
  call: (index: number) => Promise<unknown>,
  options: { readonly callers: number; readonly forMs: number },
): Promise<Throughput> {
  const latenciesMs: number[] = []
  let next = 0
  const started = performance.now()
  const end = started + options.forMs
  async function caller(): Promise<void> {
    let before = performance.now()
    while (before < end) {
      await call(next++)
      const after = performance.now()
      latenciesMs.push(after - before)
      before = after
    }
  }
  await Promise.all(Array.from({ length: options.callers }, caller))
  return { perSecond: (latenciesMs.length * 1000) / (performance.now() - started), latenciesMs }
}
