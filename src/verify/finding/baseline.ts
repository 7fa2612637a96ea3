import { z } from 'zod'
import { parseOptions } from '../../config/parse-options.ts'
import { ConfigurationError } from '../../errors.ts'
import type { Finding } from './finding.ts'

/** One finding that a team accepts. */
interface BaselineEntry {
  /** The finding's key: `rule:object` or `rule:object:detail`. */
  readonly key: string
  readonly reason: string
  /** The last day on which the finding is accepted, such as `2026-12-31` (UTC). Without `expires`, the entry does not expire. */
  readonly expires?: string | undefined
}

const schema = z.strictObject({
  version: z.literal(1, { error: 'expected 1' }),
  accept: z.array(
    z.strictObject({
      key: z.string().min(1),
      reason: z.string().trim().min(1, { error: 'expected why the finding is accepted' }),
      expires: z.iso.date({ error: 'expected a day as YYYY-MM-DD' }).optional(),
    }),
  ),
})

/**
 * Reads a baseline: `{ "version": 1, "accept": [{ "key", "reason", "expires"? }] }`.
 *
 * @throws {ConfigurationError} `PARTYWALL_CONFIGURATION` with all problems at once
 */
export function parseBaseline(text: string, name: string): readonly BaselineEntry[] {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch (cause) {
    throw new ConfigurationError(`--baseline ${name} is no JSON.`, { cause })
  }
  const { accept } = parseOptions(schema, raw, `--baseline ${name}`)
  const twice = accept.find((entry, index) => accept.findIndex((other) => other.key === entry.key) !== index)
  if (twice !== undefined) throw new ConfigurationError(`--baseline ${name} names ${twice.key} twice.`)
  return accept
}

/** Findings split by a baseline, with warnings about entries that no longer apply. */
interface Baselined {
  readonly findings: readonly Finding[]
  readonly accepted: readonly {
    readonly finding: Finding
    readonly reason: string
    readonly expires: string | undefined
  }[]
  readonly warnings: readonly string[]
}

/** Removes accepted findings. An expired entry accepts nothing, and an entry without a matching finding gives a warning. */
export function applyBaseline(
  findings: readonly Finding[],
  entries: readonly BaselineEntry[],
  now: () => number = Date.now,
): Baselined {
  const today = new Date(now()).toISOString().slice(0, 10)
  const valid = new Map(
    entries.filter((entry) => entry.expires === undefined || entry.expires >= today).map((entry) => [entry.key, entry]),
  )
  const keys = new Set(findings.map((finding) => finding.key))
  const warnings = entries.flatMap((entry) => {
    if (!keys.has(entry.key)) return [`${entry.key}: accepted, but not found; take the entry out, or correct its key`]
    return valid.has(entry.key) ? [] : [`${entry.key}: its acceptance ended on ${entry.expires}; it counts again`]
  })
  return {
    findings: findings.filter((finding) => !valid.has(finding.key)),
    accepted: findings.flatMap((finding) => {
      const entry = valid.get(finding.key)
      return entry === undefined ? [] : [{ finding, reason: entry.reason, expires: entry.expires }]
    }),
    warnings,
  }
}
