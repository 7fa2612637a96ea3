import type { Finding } from '../finding/finding.ts'

/** Findings with the same message about several objects. A single finding is a group of one. */
export interface AlikeFindings {
  readonly first: Finding
  readonly others: readonly Finding[]
}

/** Up to this many findings of a group are shown one by one. */
const SHOWN_SINGLY = 2

/** Groups findings of one rule that differ only in the object. Groups are in the order of their first findings. */
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

/** The message without the names of its object, to compare it with messages about other objects. */
export function withoutNames({ rule, object, key, message }: Finding): string {
  const detail = key.slice(`${rule}:${object}:`.length)
  return [object, detail]
    .filter((name) => name !== '')
    .reduce((text, name) => text.replaceAll(name, '…'), message)
    .replace(/\bowner \S+/g, 'owner …')
}
