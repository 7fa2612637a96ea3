import type { Rule } from '../finding/rule.ts'

interface Flaw {
  readonly cve: string
  readonly what: string
  /**
   * First fixed minor version by major version. A newer major version without an entry never had the flaw. An older major version without
   * an entry never got the fix.
   */
  readonly fixedIn: Readonly<Record<number, number>>
  readonly since: number
}

const FLAWS: readonly Flaw[] = [
  {
    cve: 'CVE-2023-2455',
    what: 'row security disregards user id changes after inlining',
    fixedIn: { 15: 3 },
    since: 9,
  },
  { cve: 'CVE-2023-39418', what: 'MERGE fails to enforce UPDATE and SELECT policies', fixedIn: { 15: 4 }, since: 15 },
  {
    cve: 'CVE-2024-10976',
    what: 'row security below subqueries disregards user id changes',
    fixedIn: { 15: 9, 16: 5, 17: 1 },
    since: 9,
  },
  {
    cve: 'CVE-2025-8713',
    what: 'optimizer statistics expose sampled rows past row security',
    fixedIn: { 15: 14, 16: 10, 17: 6 },
    since: 9,
  },
]

/** Flaws of row security that this server still has. `version` is `server_version_num`. */
export function openFlaws(version: number): readonly Flaw[] {
  const major = Math.floor(version / 10_000)
  const minor = version % 10_000
  return FLAWS.filter((flaw) => {
    const fixed = flaw.fixedIn[major]
    if (fixed !== undefined) return minor < fixed
    const oldest = Math.min(...Object.keys(flaw.fixedIn).map(Number))
    return major >= flaw.since && major < oldest
  })
}

export const serverMinorOutdated: Rule = {
  id: 'server-minor-outdated',
  group: 'metadata',
  title: 'The server has known flaws in row-level security',
  severity: 'high',
  meaning: 'A later minor version fixes them: until then correct policies are not enforced in some queries.',
  remedy: 'Update the server to the latest minor version.',
  *run(facts) {
    const version = facts.catalog.serverVersion
    const flaws = openFlaws(version)
    if (flaws.length === 0) return
    const shown = `${Math.floor(version / 10_000)}.${version % 10_000}`
    yield {
      object: `server ${shown}`,
      message: `PostgreSQL ${shown} has ${flaws.length} known ${flaws.length === 1 ? 'flaw' : 'flaws'} in row-level security that a minor update fixes.`,
      evidence: flaws.map((flaw) => `${flaw.cve}: ${flaw.what}`),
      fix: '-- Update the server to the latest minor version; no dump and restore is needed.',
    }
  },
}
