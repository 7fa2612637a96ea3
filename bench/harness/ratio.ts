import type { BenchGoal } from './contract.ts'

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  const lower = sorted[middle - 1]
  if (upper === undefined) throw new RangeError('median of nothing')
  return sorted.length % 2 === 1 || lower === undefined ? upper : (upper + lower) / 2
}

/** The value below which the given share of the sample lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/**
 * Judges one goal from the ratios of the interleaved runs.
 *
 * @param ratios one per run, each of two sides measured one right after the other
 */
export function judge(
  goal: string,
  ratios: readonly number[],
  target: number,
  direction: 'at-least' | 'at-most' = 'at-least',
): BenchGoal {
  const ratio = median(ratios)
  const met = direction === 'at-least' ? ratio >= target : ratio <= target
  const round = (value: number) => Math.round(value * 1000) / 1000
  return {
    goal,
    ratio: round(ratio),
    low: round(Math.min(...ratios)),
    high: round(Math.max(...ratios)),
    target,
    direction,
    met,
  }
}
