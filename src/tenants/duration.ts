import { ConfigurationError } from '../errors.ts'

/** Seconds, or a number with its unit: `'90s'`, `'15m'`, `'8h'`, `'7d'`. */
export type Duration = number | `${number}s` | `${number}m` | `${number}h` | `${number}d`

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const

/**
 * Reads a duration; never zero, negative or endless.
 *
 * @param name the option's name, for the error
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION`
 */
export function durationSeconds(value: Duration, name: string, maxSeconds: number): number {
  const match = typeof value === 'string' ? /^(\d{1,9})([smhd])$/.exec(value) : undefined
  const unit = match?.[2]
  const seconds =
    typeof value === 'number'
      ? value
      : unit === 's' || unit === 'm' || unit === 'h' || unit === 'd'
        ? Number(match?.[1]) * SECONDS[unit]
        : Number.NaN
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= maxSeconds) return seconds
  throw new ConfigurationError(
    `${name} must be seconds or a text such as '15m', more than 0 and at most ${maxSeconds} seconds.`,
  )
}
