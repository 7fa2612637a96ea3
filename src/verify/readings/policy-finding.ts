import type { Policy, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { rowTestSql } from '../../tenancy/policy-sql.ts'
import type { ChosenSeverity, FindingDraft, Severity } from '../finding/finding.ts'
import type { RuleId } from '../finding/rule-id.ts'
import { askOnce } from './session-calls.ts'
import { type PolicyWeakness, weaknessesOf } from './weaknesses.ts'

interface PolicyFindingOptions {
  /** The rest of the sentence that begins with `Policy p on t`: what is wrong with the policy. */
  readonly message: (weakness: PolicyWeakness) => string
  /** If this is undefined, the finding has the rule's severity. */
  readonly severity?: (weakness: PolicyWeakness) => ChosenSeverity | undefined
  readonly fix?: (weakness: PolicyWeakness) => string
  /** Severity of a finding that is only suspected, as long as no attack confirms it. */
  readonly unconfirmed?: Severity
}

/** Findings of one rule about policies, made from the weaknesses that the prover reported. */
export function* policyFindings(facts: Facts, rule: RuleId, options: PolicyFindingOptions): Iterable<FindingDraft> {
  for (const weakness of weaknessesOf(facts, rule)) {
    const { relation, verbs, roles, policy } = weakness
    const severity = options.severity?.(weakness)
    yield {
      object: relation.label,
      ...(policy === undefined ? {} : { detail: policy }),
      ...(severity === undefined ? {} : { severity }),
      message: `Policy ${policy} on ${relation.label} ${options.message(weakness)}: ${consequence(weakness)}.`,
      evidence: [
        `${weakness.clause === 'using' ? 'USING' : 'WITH CHECK'} is true where: ${weakness.text}`,
        weakness.explanation,
        `in force for ${roles.join(', ')} on ${verbs.join(', ')}`,
      ],
      verbs,
      ...(weakness.certain ? {} : { suspected: true, ...unconfirmed(options, weakness) }),
      fix: options.fix?.(weakness) ?? narrowPolicySql(facts, relation, weakness.policyObject),
    }
  }
}

function unconfirmed({ unconfirmed: severity }: PolicyFindingOptions, { certain }: PolicyWeakness) {
  return certain || severity === undefined ? {} : { unconfirmed: severity }
}

function consequence({ verbs }: PolicyWeakness): string {
  const words = { select: 'read', insert: 'insert', update: 'change', delete: 'delete' } as const
  const list = verbs.map((verb) => words[verb])
  const said = list.length > 1 ? `${list.slice(0, -1).join(', ')} and ${list.at(-1)}` : list[0]
  return `one tenant can ${said} rows of another`
}

/**
 * SQL (ALTER POLICY) that adds the tenant test to USING and WITH CHECK by AND, as far as the policy's command has these clauses. No role can
 * see or write more rows than before.
 */
export function narrowPolicySql(facts: Facts, relation: Relation, policy: Policy | undefined): string {
  const test = rowTestSql(facts, relation)
  const { context } = facts.tenancy
  if (policy === undefined || test === undefined)
    return `-- Rewrite the policies of ${qualifiedName(relation)} so that they compare the tenant with the context.`
  if (context.kind === 'key' && context.table.oid === relation.oid)
    return `-- ${qualifiedName(relation)} says which tenants a session has: a sub-select on this table in its own policy would recurse. Use a SECURITY DEFINER function with a fixed search_path, or compare with the session's own key.`
  const once = askOnce(facts, policy)
  const both = (asked: string | undefined) =>
    asked === undefined || /^\(*true\)*$/i.test(asked) ? test : `(${once(asked)}) AND (${test})`
  const using = policy.command === 'insert' ? '' : ` USING (${both(policy.using)})`
  const check =
    policy.command === 'select' || policy.command === 'delete'
      ? ''
      : ` WITH CHECK (${both(policy.check ?? policy.using)})`
  return `ALTER POLICY ${quoteIdentifier(policy.name)} ON ${qualifiedName(relation)}${using}${check};`
}
