import type { Explanation, Reading, RowQuestion } from './explanation.ts'
import type { FoundRow } from './find-row.ts'
import type { JudgedPolicies } from './judge-policies.ts'
import type { TenantSubject } from './tenant-session.ts'

export type Conclusion = Pick<Explanation, 'outcome' | 'foreign' | 'conclusion'>

interface Found {
  readonly row: FoundRow
  readonly rights: readonly Reading[]
  readonly seal: readonly Reading[]
  readonly judged: JudgedPolicies
  /** Whether PostgreSQL returned the row to the tenant's SELECT; undefined if it reported an error. */
  readonly seen: boolean | undefined
}

/** Joins the readings of rights and policies, and the answer of PostgreSQL, into one conclusion. */
export function conclude(found: Found, { verb }: RowQuestion, { tenant }: TenantSubject): Conclusion {
  const { row, seen } = found
  const foreign = row.tenant === undefined ? undefined : row.tenant !== tenant
  const reason = reasonOf(found, foreign === true ? row.tenant : undefined)
  const doubt = doubtOf(found)
  const passes = { SELECT: 'sees', UPDATE: 'may update', DELETE: 'may delete' }[verb]
  if (verb === 'SELECT' && seen === true) {
    const whose = foreign === true ? `, which belongs to tenant ${row.tenant}` : ''
    return { outcome: 'visible', foreign, conclusion: `The tenant sees the row${whose}. PostgreSQL returned it.` }
  }
  if (reason !== undefined) return { outcome: 'hidden', foreign, conclusion: reason }
  if (doubt !== undefined) return { outcome: 'unknown', foreign, conclusion: `Not known. ${doubt}` }
  if (seen !== true) {
    const what = seen === false ? 'PostgreSQL hides the row' : 'PostgreSQL reports an error'
    return { outcome: 'unknown', foreign, conclusion: `${what}, and none of the checks explains why.` }
  }
  return {
    outcome: 'visible',
    foreign,
    conclusion: `The tenant ${passes} the row, as far as rights and policies decide. Triggers, constraints and WITH CHECK were not run.`,
  }
}

/** Returns the first reason in this order: privilege, foreign tenant, seal, other policies. Undefined if none of them hides the row. */
function reasonOf({ rights, seal, judged, seen }: Found, owner: string | undefined): string | undefined {
  const lacking = rights.find(({ verdict }) => verdict === 'hides')
  if (lacking !== undefined) return `Hidden by a missing privilege: ${lacking.what}. ${lacking.sentence}`
  if (judged.together === 'passes') return undefined
  const isHidden = judged.together === 'hides' || seen === false
  if (owner !== undefined && isHidden) return `Hidden because the row belongs to tenant ${owner}.`
  // Without the secret, explain's own session has no seal, and every seal policy is false. The application may still see the row.
  if (seal.some(({ verdict }) => verdict === 'unknown')) return undefined
  const refused = seal.find(({ verdict }) => verdict === 'hides')
  if (refused !== undefined)
    return `Hidden by the seal. ${refused.sentence} Is the tenant suspended or moved, or does the application use another secret?`
  if (judged.together !== 'hides') return undefined
  const hiding = judged.readings.filter(({ verdict }) => verdict === 'hides').map(({ what }) => what)
  return `Hidden by ${hiding.join(', ')}.`
}

function doubtOf({ seal, judged }: Found): string | undefined {
  const unknown = [...seal, ...judged.readings].find(({ verdict }) => verdict === 'unknown')
  return unknown === undefined ? undefined : `${unknown.what}: ${unknown.sentence}`
}
