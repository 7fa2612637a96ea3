import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { contextKeySql } from '../../tenancy/policy-sql.ts'
import type { FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { type Recursion, recursions } from '../readings/recursion.ts'

export const policyRecursion: Rule = {
  id: 'policy-recursion',
  group: 'policy',
  ofProtect: 'always',
  title: 'Policies look each other up in a circle',
  severity: 'medium',
  meaning:
    'PostgreSQL rejects every query that needs these policies, so nobody reads a row, and somebody will switch row-level security off to continue.',
  remedy:
    'Look the membership up in a SECURITY DEFINER function with a fixed search_path, owned by a role to which the policies do not apply.',
  denies: true,
  *run(facts) {
    for (const circle of recursions(facts)) yield draftOf(facts, circle)
  },
}

function draftOf(facts: Facts, circle: Recursion): FindingDraft {
  const [first] = circle.cycle
  const names = circle.cycle.map((relation) => relation.label)
  const reached = [...new Set(circle.reached.map(({ relation }) => relation.label))].sort()
  return {
    object: first?.label ?? '',
    message: `The policies of ${reached.join(', ')} ${circle.certain ? 'end' : 'may end'} in an infinite recursion: ${names.join(' → ')}. Every query that needs them fails.`,
    evidence: circle.policies.map(
      ({ relation, name }) => `policy ${name} on ${relation.label} reads a table of the circle, with its policies`,
    ),
    tables: reached,
    verbs: [...new Set(circle.reached.map(({ verb }) => verb))],
    ...(circle.certain ? {} : { suspected: true }),
    fix: fixOf(facts, circle),
  }
}

/** SQL that moves the lookup into a SECURITY DEFINER function and rewrites the policies of the circle to call it. */
function fixOf(facts: Facts, circle: Recursion): string {
  const { context } = facts.tenancy
  const [first] = circle.cycle
  const advice = [
    '-- A SECURITY DEFINER function runs as its owner. The policies of the table that it reads must not apply to that owner:',
    '-- a superuser, a role with BYPASSRLS, or the owner of a table without FORCE ROW LEVEL SECURITY.',
  ]
  if (context.kind !== 'key' || context.tenantColumn === undefined || first === undefined)
    return [
      ...advice,
      `-- CREATE FUNCTION ${quoteIdentifier(first?.schema ?? 'public')}.my_tenants() RETURNS SETOF … LANGUAGE sql STABLE SECURITY DEFINER`,
      `--   SET search_path = pg_catalog, pg_temp AS $$ SELECT … FROM ${first === undefined ? '…' : qualifiedName(first)} WHERE … $$;`,
      `-- Then write the policies of ${circle.policies.map(({ relation }) => relation.label).join(', ')} as: column IN (SELECT my_tenants())`,
    ].join('\n')
  const { table, keyColumn, tenantColumn } = context
  const helper = `${quoteIdentifier(table.schema)}.${quoteIdentifier(`partywall_my_${tenantColumn.name}s`)}`
  const rewritten = circle.policies.flatMap(({ relation, name }) => {
    const bound = facts.tenantTable(relation)
    const policy = relation.policies.find((each) => each.name === name)
    if (bound === undefined || bound.kind === 'child' || policy === undefined) return []
    const test = `${quoteIdentifier(bound.column.name)} IN (SELECT ${helper}())`
    const using = policy.using === undefined ? '' : ` USING (${test})`
    const check = policy.check === undefined ? '' : ` WITH CHECK (${test})`
    return [`ALTER POLICY ${quoteIdentifier(name)} ON ${qualifiedName(relation)}${using}${check};`]
  })
  return [
    ...advice,
    `CREATE OR REPLACE FUNCTION ${helper}() RETURNS SETOF ${tenantColumn.type} LANGUAGE sql STABLE SECURITY DEFINER`,
    `  SET search_path = pg_catalog, pg_temp`,
    `  AS $$ SELECT ${quoteIdentifier(tenantColumn.name)} FROM ${qualifiedName(table)} WHERE ${quoteIdentifier(keyColumn.name)} = ${contextKeySql(facts, keyColumn)} $$;`,
    `-- If a policy also tested something other than the membership (a role, a status), add that test again by hand.`,
    ...rewritten,
  ].join('\n')
}
