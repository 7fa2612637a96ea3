import { z } from 'zod'

/** How a wall watches whether the database still keeps tenants apart. */
export interface ProtectionWatchOptions {
  /** Time between two comparisons; default 10_000, at least 100. A change may stay unnoticed for that long. */
  readonly intervalMs?: number | undefined
  /**
   * What happens when the checks fail. `refuse` (default): all work of tenants gets 503 until the checks succeed. `report`: an event, an
   * alert and a log line are written, and work goes on. Use `report` for a gradual adoption.
   */
  readonly onProtectionLost?: 'refuse' | 'report' | undefined
}

export const protectionWatchSchema = z.strictObject({
  intervalMs: z.int({ error: 'must be whole milliseconds from 100' }).min(100).max(2_147_483_647).optional(),
  onProtectionLost: z.enum(['refuse', 'report'], { error: "must be 'refuse' or 'report'" }).optional(),
})

export const DEFAULT_INTERVAL_MS = 10_000
