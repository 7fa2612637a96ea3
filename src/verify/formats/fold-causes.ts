import type { Finding } from '../finding/finding.ts'
import { withoutNames } from './fold-alike.ts'

/** Minimum number of findings with the same cause that are merged into one finding. */
const FEW = 3

/** Rules with the same cause: a foreign key without the tenant, and the effect of its ON DELETE. */
const SAME_CAUSE: Readonly<Record<string, string>> = { 'fk-cascade-crosses': 'fk-crosses-tenants' }

/** Groups whose findings differ only in the object. In other groups, each policy or function is a cause of its own. */
const BY_RULE = new Set(['rls', 'grant', 'key', 'object', 'context', 'metadata'])

/**
 * Merges findings with the same cause into one, such as all foreign keys without the tenant. The first finding represents all: `alike` has
 * the keys of the other findings, and `fix` has the statements of all findings.
 */
export function foldCauses(
  findings: readonly Finding[],
  groupOf: (rule: string) => string | undefined,
): readonly Finding[] {
  const groups = new Map<string, Finding[]>()
  for (const finding of findings) {
    const rule = SAME_CAUSE[finding.rule] ?? finding.rule
    const said = BY_RULE.has(groupOf(rule) ?? '') ? '' : withoutNames(finding)
    const key = JSON.stringify([rule, finding.severity, said])
    groups.set(key, [...(groups.get(key) ?? []), finding])
  }
  return [...groups.values()].flatMap((group) => (group.length < FEW ? group : [foldGroup(group)]))
}

function foldGroup(group: readonly Finding[]): Finding {
  // Prefer an exploited finding, and the rule that names the cause.
  const exploited = group.filter(({ rule, proof }) => SAME_CAUSE[rule] === undefined && proof === 'exploited')
  const candidates = exploited.length > 0 ? exploited : group
  // One message stands for all findings. So take the first message with the most sentences: it says all that holds for some of them.
  const most = Math.max(...candidates.map(sentences))
  const first = candidates.find((finding) => sentences(finding) === most)
  if (first === undefined) throw new RangeError('A group of findings is never empty.')
  const others = group.filter((finding) => finding !== first)
  const objects = [...new Set(group.map(({ object }) => object))]
  const shown = objects.length === 1 ? [] : [`the same cause on ${objects.length} objects: ${objects.join(', ')}`]
  return {
    ...first,
    message: `${first.message} ${others.length} more of this cause are listed by key.`,
    proof: group.some(({ proof }) => proof === 'exploited') ? 'exploited' : 'static',
    evidence: [...first.evidence, ...shown],
    fix: [...new Set(group.map(({ fix }) => fix))].join('\n'),
    alike: others.map(({ key }) => key),
  }
}

function sentences({ message }: Finding): number {
  return message.split('. ').length
}
