import type { Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { rowTestSql, tenantPolicySql } from '../../tenancy/policy-sql.ts'
import { chosenSeverity, type FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { revokeList } from '../readings/grantees.ts'
import { isNamedAfterPeople, secrecyOf } from '../readings/secret-columns.ts'
import { type PolicyWeakness, weaknessesOf } from '../readings/weaknesses.ts'

export const policyTrustsUnprotectedTable: Rule = {
  id: 'policy-trusts-unprotected-table',
  group: 'policy',
  ofProtect: 'unless-protected',
  title: 'A policy trusts a table that the attacker can write',
  severity: 'critical',
  meaning:
    "Someone who adds themselves as a member of another tenant, or moves a parent row, reads and writes that tenant's rows.",
  remedy: "Protect the table that the policy looks into first, or revoke the application's write privileges on it.",
  *run(facts) {
    const byLookup = new Map<string, ReturnType<typeof weaknessesOf>[number][]>()
    for (const weakness of weaknessesOf(facts, 'policy-trusts-unprotected-table')) {
      const list = byLookup.get(weakness.subject ?? '') ?? []
      list.push(weakness)
      byLookup.set(weakness.subject ?? '', list)
    }
    for (const [label, all] of byLookup) {
      const lookup = facts.relations.find((relation) => relation.label === label)
      if (lookup === undefined) continue
      yield* namedRows(
        facts,
        lookup,
        all.filter(({ names }) => names !== undefined),
      )
      const weaknesses = all.filter(({ names }) => names === undefined)
      if (weaknesses.length === 0) continue
      const column = facts.tenantTable(lookup)?.column
      const tables = [...new Set(weaknesses.map((weakness) => weakness.relation.label))]
      const writers = [...new Set(weaknesses.flatMap((weakness) => weakness.roles))]
      yield {
        object: label,
        message: `Policies on ${tables.join(', ')} look into ${label}, where the app can write the row that grants access: one tenant gives itself access to another.`,
        evidence: weaknesses.map(
          (weakness) => `policy ${weakness.policy} on ${weakness.relation.label}: ${weakness.explanation}`,
        ),
        verbs: [...new Set(weaknesses.flatMap((weakness) => weakness.verbs))],
        tables,
        ...(weaknesses.some((weakness) => weakness.certain) ? {} : { suspected: true }),
        fix: weaknesses.every((weakness) => weakness.namesPart === true)
          ? weaknesses.flatMap((weakness) => alsoTenantSql(facts, weakness)).join('\n')
          : lookup.rowSecurity || column === undefined || facts.tenancy.context.kind === 'key'
            ? `REVOKE INSERT, UPDATE, DELETE ON ${qualifiedName(lookup)} FROM ${revokeList(facts, lookup, writers, ['INSERT', 'UPDATE', 'DELETE'])};`
            : `${tenantPolicySql(facts, lookup, column)}\nALTER TABLE ${qualifiedName(lookup)} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;`,
      }
    }
  },
}

/** Tables without a tenant, such as `users`, whose rows a tenant can make visible to itself by a row of the lookup table. */
function* namedRows(facts: Facts, lookup: Relation, weaknesses: readonly PolicyWeakness[]): Iterable<FindingDraft> {
  for (const relation of new Set(weaknesses.map((weakness) => weakness.relation))) {
    const own = weaknesses.filter((weakness) => weakness.relation === relation)
    const columns = [...new Set(own.flatMap(({ names }) => names?.columns ?? []))].join(', ')
    const writers = (['INSERT', 'UPDATE'] as const).flatMap((privilege) => facts.reach(lookup, privilege))
    const roles = [...new Set(writers.map(({ role }) => role.name))]
    yield {
      object: lookup.label,
      detail: relation.label,
      ...(holdsPeople(relation)
        ? {}
        : chosenSeverity(
            'medium',
            'By name and columns, the table does not look like one of people: its rows may be a list for all tenants.',
          )),
      message: `A row of ${relation.label} is visible to a tenant if one of the tenant's rows of ${lookup.label} refers to it by ${columns}, and the app can write ${lookup.label}: a tenant inserts a reference to another tenant's row of ${relation.label}, and reads that row.`,
      evidence: own.map((weakness) => `policy ${weakness.policy} on ${relation.label}: ${weakness.explanation}`),
      verbs: [...new Set(own.flatMap((weakness) => weakness.verbs))],
      tables: [relation.label],
      ...(own.some((weakness) => weakness.certain) ? {} : { suspected: true }),
      fix: [
        `-- Code that adds members then needs another role, or a SECURITY DEFINER function that checks an invitation. A policy for INSERT and UPDATE is as good, if its WITH CHECK admits only references to rows that the tenant sees already.`,
        `REVOKE INSERT, UPDATE ON ${qualifiedName(lookup)} FROM ${revokeList(facts, lookup, roles, ['INSERT', 'UPDATE'])};`,
      ].join('\n'),
    }
  }
}

/** Whether the table holds people or secrets, by its name and its columns. */
function holdsPeople(relation: Relation): boolean {
  return isNamedAfterPeople(relation) || relation.columns.some((column) => secrecyOf(relation, column) !== undefined)
}

/** SQL (ALTER POLICY) that adds the tenant test to USING and WITH CHECK by AND. */
function alsoTenantSql(facts: Facts, { relation, policyObject }: PolicyWeakness): readonly string[] {
  const test = rowTestSql(facts, relation)
  if (policyObject === undefined || test === undefined) return []
  const { using, check, name } = policyObject
  const clauses = [
    using === undefined ? '' : ` USING ((${using}) AND ${test})`,
    check === undefined ? '' : ` WITH CHECK ((${check}) AND ${test})`,
  ]
  return [`ALTER POLICY ${quoteIdentifier(name)} ON ${qualifiedName(relation)}${clauses.join('')};`]
}
