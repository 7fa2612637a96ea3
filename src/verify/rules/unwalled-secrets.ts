import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'
import { secrecyOf } from '../readings/secret-columns.ts'
import { isOpen, unwalledTables } from '../report/unwalled.ts'

export const unwalledSecrets: Rule = {
  id: 'unwalled-secrets',
  group: 'grant',
  title: 'A table without policies holds passwords, tokens or keys',
  severity: 'high',
  meaning: 'Every tenant reads the secrets of all: the most common case is one table of users for all tenants.',
  remedy:
    'Add a policy by own membership, grant only the harmless columns, and use a SECURITY DEFINER function for the login.',
  *run(facts) {
    const unwalled = new Set(unwalledTables(facts).map((table) => table.object))
    for (const relation of facts.relations) {
      // Other rules report policies without row-level security, and an open policy next to others.
      const idle = relation.policies.length > 1 || (relation.policies.length > 0 && !relation.rowSecurity)
      if (!unwalled.has(relation.label) || idle) continue
      const readers = facts.reach(relation, 'SELECT').filter((role) => isOpen(facts, relation, 'select', role))
      const draft = draftOf(facts, relation, readers)
      if (draft !== undefined) yield draft
    }
  },
}

function draftOf(facts: Facts, relation: Relation, readers: readonly ActingRole[]): FindingDraft | undefined {
  const readable = relation.columns.filter((column) =>
    readers.some((role) => facts.privileges.onColumn(role.role.oid, relation, column, 'SELECT')),
  )
  const secret = readable.filter((column) => secrecyOf(relation, column) === 'secret')
  const personal = readable.filter((column) => secrecyOf(relation, column) === 'personal')
  if (secret.length === 0 && personal.length === 0) return undefined
  const held = secret.length > 0 ? secret : personal
  const names = held.map((column) => column.name).join(', ')
  return {
    object: relation.label,
    ...(secret.length > 0
      ? {}
      : chosenSeverity('medium', 'By their names, the columns hold personal data, and neither passwords nor keys.')),
    message: `${relation.label} belongs to no tenant, no policy applies to it, and ${readers.map((role) => role.role.name).join(', ')} may read ${names} of everybody in it.`,
    evidence: [
      `readable: ${names}`,
      'possible fixes: a policy by own membership, grants on the other columns only, a SECURITY DEFINER function that looks one user up for the login',
    ],
    fix: grantsSql(facts, relation, [...secret, ...personal]),
  }
}

/** SQL that revokes SELECT on the table and grants it again on the columns without secrets. */
function grantsSql(facts: Facts, relation: Relation, held: readonly Column[]): string {
  const grantees = granteeList(facts, relationGrantees(facts, relation, 'SELECT'))
  const rest = relation.columns.filter((column) => !held.includes(column)).map((column) => quoteIdentifier(column.name))
  const name = qualifiedName(relation)
  return [
    '-- Code that reads these columns (a login, a mail) needs a SECURITY DEFINER function that looks up one row.',
    `REVOKE SELECT ON ${name} FROM ${grantees};`,
    ...(rest.length === 0 ? [] : [`GRANT SELECT (${rest.join(', ')}) ON ${name} TO ${grantees};`]),
  ].join('\n')
}
