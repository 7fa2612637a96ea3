import type { Column, Relation } from '../../catalog/model.ts'
import { qualifiedName, quoteIdentifier } from '../../catalog/names.ts'
import type { ActingRole, Facts } from '../../tenancy/facts.ts'
import type { FindingDraft } from '../finding/finding.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, relationGrantees } from '../readings/grantees.ts'
import { lookingPolicies, wideBesideLookup } from '../readings/looked-up-tables.ts'
import { membershipAdvice, membershipNote } from '../readings/membership-advice.ts'
import { secrecyOf } from '../readings/secret-columns.ts'
import { isOpen, passesTo, unwalledTables } from '../report/unwalled.ts'

export const unwalledSecrets: Rule = {
  id: 'unwalled-secrets',
  group: 'grant',
  title: 'A table that no tenant owns holds passwords, tokens or keys',
  severity: 'high',
  meaning:
    'Every tenant can read the secrets of all tenants. The most common case is one table of users for all tenants.',
  remedy:
    'Add a policy that looks up memberships, and revoke the right to write memberships from the application. Grant only the harmless columns. For sign-in, use a SECURITY DEFINER function.',
  *run(facts) {
    const unwalled = new Set(unwalledTables(facts).map((table) => table.object))
    for (const relation of facts.relations) {
      const readers = facts.reach(relation, 'SELECT')
      if (unwalled.has(relation.label)) {
        const open = readers.filter(
          (role) => isOpen(facts, relation, 'select', role) && !isReported(facts, relation, role),
        )
        const draft = draftOf(facts, relation, open)
        if (draft !== undefined) {
          yield draft
          continue
        }
      }
      const some = readers.filter((role) => passesTo(facts, relation, 'select', role, 'sessions') !== undefined)
      const draft = draftOf(facts, relation, some)
      if (draft !== undefined) yield suspectedOf(facts, relation, some, draft)
    }
  },
}

/**
 * Whether another rule reports that the role reads all rows. This is so in two cases: policies exist but row-level security is off, or one
 * policy looks up memberships and another policy shows all rows.
 */
function isReported(facts: Facts, relation: Relation, role: ActingRole): boolean {
  if (!relation.rowSecurity) return lookingPolicies(facts, relation).length > 0
  return facts.protectedFor(relation, role) && wideBesideLookup(facts, relation, 'select', role) !== undefined
}

/**
 * Returns the suspected finding for a policy that tests only the session, and so shows all rows or none. Only an attack shows whether a
 * tenant passes the policy.
 */
function suspectedOf(
  facts: Facts,
  relation: Relation,
  readers: readonly ActingRole[],
  draft: FindingDraft,
): FindingDraft {
  const branch = readers.flatMap((role) => passesTo(facts, relation, 'select', role, 'sessions') ?? [])[0]
  return {
    ...draft,
    message: `${relation.label} belongs to no tenant, and policy ${branch?.policy} shows all its rows to each session that fulfils a condition: such a session reads the secrets or addresses of everybody in the table.`,
    evidence: [`the condition: ${branch?.text}`, ...(draft.evidence ?? [])],
    verbs: ['select'],
    suspected: true,
    unconfirmed: 'medium',
  }
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
  const why = readers.some((role) => facts.protectedFor(relation, role))
    ? 'its policies let every tenant pass'
    : 'no policy applies to it'
  return {
    object: relation.label,
    ...(secret.length > 0
      ? {}
      : chosenSeverity('medium', 'By their names, the columns hold personal data, and neither passwords nor keys.')),
    message: `${relation.label} belongs to no tenant, ${why}, and ${readers.map((role) => role.role.name).join(', ')} may read ${names} of everybody in the table.`,
    evidence: [
      `readable: ${names}`,
      ...membershipAdvice(facts, relation),
      'further fixes: grants on the other columns only, and a SECURITY DEFINER function that looks up one user for sign-in',
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
    '-- Code that reads these columns (for sign-in, for mail) needs a SECURITY DEFINER function that looks up one row.',
    ...membershipNote(facts, relation),
    `REVOKE SELECT ON ${name} FROM ${grantees};`,
    ...(rest.length === 0 ? [] : [`GRANT SELECT (${rest.join(', ')}) ON ${name} TO ${grantees};`]),
  ].join('\n')
}
