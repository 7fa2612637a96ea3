import type { Finding } from '../finding/finding.ts'

/** Findings that say the same of several objects; one alone is a group of one. */
export interface AlikeFindings {
  readonly first: Finding
  readonly others: readonly Finding[]
}

/** As many as a reader takes in one by one. */
const SHOWN_SINGLY = 2

/** Groups what one rule says of one object after another, in the order of the first of each. */
export function foldAlike(findings: readonly Finding[]): readonly AlikeFindings[] {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const key = JSON.stringify([finding.rule, finding.severity, finding.proof, withoutNames(finding)])
    groups.set(key, [...(groups.get(key) ?? []), finding])
  }
  return [...groups.values()].flatMap(([first, ...others]): AlikeFindings[] => {
    if (first === undefined) return []
    if (others.length >= SHOWN_SINGLY) return [{ first, others }]
    return [first, ...others].map((finding) => ({ first: finding, others: [] }))
  })
}

/** The message with this object's own names taken out: what is left is said of each. */
export function withoutNames({ rule, object, key, message }: Finding): string {
  const detail = key.slice(`${rule}:${object}:`.length)
  return [object, detail]
    .filter((name) => name !== '')
    .reduce((text, name) => text.replaceAll(name, '…'), message)
    .replace(/\bowner \S+/g, 'owner …')
}
