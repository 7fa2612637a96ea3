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
  const reason = reasonOf(found, foreign === true ? row.tenant : undefined, verb)
  const doubt = doubtOf(found)
  const passes = { SELECT: 'sees', UPDATE: 'may update', DELETE: 'may delete' }[verb]
  const whose = foreign === true ? `, which belongs to tenant ${row.tenant}` : ''
  if (verb === 'SELECT' && seen === true)
    return { outcome: 'visible', foreign, conclusion: `The tenant sees the row${whose}. PostgreSQL returned it.` }
  if (reason !== undefined) return { outcome: 'hidden', foreign, conclusion: reason }
  if (doubt !== undefined) return { outcome: 'unknown', foreign, conclusion: `Not known. ${doubt}` }
  if (seen !== true) {
    const what = seen === false ? 'PostgreSQL hides the row' : 'PostgreSQL reports an error'
    return { outcome: 'unknown', foreign, conclusion: `${what}, and none of the checks explains why.` }
  }
  return {
    outcome: 'visible',
    foreign,
    conclusion: `The tenant ${passes} ${whatOf(found, verb)}${whose}, as far as rights and policies decide. Triggers, constraints and WITH CHECK were not run.`,
  }
}

/** An UPDATE may be granted on some columns only. */
function whatOf({ rights }: Found, verb: RowQuestion['verb']): string {
  const columns = rights.find(({ what }) => what.startsWith(`${verb} on `))?.columns
  return columns === undefined ? 'the row' : `these columns of the row: ${columns.join(', ')}`
}

/**
 * Returns the first reason in this order: foreign tenant, privilege, seal, other policies. Undefined if none of them hides the row.
 *
 * The tenant comes before the privilege, because a GRANT would not let the row of another tenant pass.
 */
function reasonOf(found: Found, owner: string | undefined, verb: RowQuestion['verb']): string | undefined {
  const { rights, judged, seen } = found
  if (owner !== undefined && (seen === false || judged.select === 'hides'))
    return `Hidden because the row belongs to tenant ${owner}.`
  const lacking = rights.filter(({ verdict }) => verdict === 'hides')
  if (lacking.length > 0) return lackingReason(found, lacking, verb)
  if (judged.together === 'passes') return undefined
  const hiding = hiddenByPolicies(found)
  if (hiding === undefined || owner === undefined) return hiding
  return `${hiding} The row belongs to tenant ${owner}.`
}

/** Says why the seal or the policies hide the row. Undefined if the reason is not known, or if seal and policies let the row pass. */
function hiddenByPolicies({ seal, judged }: Found): string | undefined {
  // Without the secret, explain's own session has no seal, and every seal policy is false. The application may still see the row.
  if (seal.some(({ verdict }) => verdict === 'unknown')) return undefined
  const refused = seal.find(({ verdict }) => verdict === 'hides')
  if (refused !== undefined)
    return `Hidden by the seal. ${refused.sentence} Is the tenant suspended or moved, or does the application use another secret?`
  if (judged.together !== 'hides') return undefined
  const names = namesOfHiding(judged)
  const level = judged.readings.some(({ what, verdict }) => verdict === 'hides' && what.includes('tenant_level_policy'))
  return `Hidden by ${names}.${level ? ' Under tenant_level_policy only the level tenant_admin may DELETE.' : ''}`
}

/** A GRANT is called a fix only if the policies, which were evaluated for this role and row, let the row pass. */
function lackingReason(found: Found, lacking: readonly Reading[], verb: RowQuestion['verb']): string {
  const names = lacking.map(({ what }) => what).join(', ')
  // The tenant sees the row, and PostgreSQL answers the statement with an error.
  const isRefused = verb !== 'SELECT' && found.seen === true
  const privilege = isRefused
    ? `Refused: a privilege is missing: ${names}.`
    : `Hidden by a missing privilege: ${names}.`
  if (found.judged.together === 'passes') {
    const grants = lacking.flatMap(({ grant }) => grant ?? []).join(' ')
    return `${privilege} Fix, if tenants are meant to ${verb} rows of this table: ${grants}`
  }
  const policies = hiddenByPolicies(found)
  if (policies !== undefined) return `${privilege} A GRANT alone does not help. ${policies}`
  return `${privilege} It is not known whether a GRANT helps. ${doubtOf(found) ?? ''}`.trimEnd()
}

function namesOfHiding({ readings }: JudgedPolicies): string {
  return readings
    .filter(({ verdict }) => verdict === 'hides')
    .map(({ what }) => what)
    .join(', ')
}

function doubtOf({ seal, judged }: Found): string | undefined {
  const unknown = [...seal, ...judged.readings].find(({ verdict }) => verdict === 'unknown')
  return unknown === undefined ? undefined : `${unknown.what}: ${unknown.sentence}`
}
