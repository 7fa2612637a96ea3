import type { Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { ChildLink, Facts } from '../../tenancy/facts.ts'
import { revokeList } from './grantees.ts'

/**
 * Advice for a table of people that belongs to no tenant: a policy by membership is complete only if the application can't write
 * memberships. Otherwise a tenant could insert a membership in its own tenant that names another tenant's user.
 */
export function membershipAdvice(facts: Facts, relation: Relation): readonly string[] {
  const link = membershipOf(facts, relation)
  if (link === undefined)
    return [
      'possible fix: a policy by membership, with a table of members that the application may not write. A tenant that may insert a membership sees the person that the membership names',
    ]
  const { parent, parentColumns } = link
  const policy = `possible fix: a policy by membership, which shows a row if a row of the tenant in ${parent.label} refers to it by ${parentColumns.join(', ')}`
  const revoke = revokeSql(facts, parent)
  if (revoke === undefined)
    return [`${policy}. It is safe as long as no role of the application may INSERT or UPDATE ${parent.label}`]
  return [
    `${policy}, and ${revoke}. Without the REVOKE, a tenant inserts a membership of its own that names another tenant's row, and reads that row`,
  ]
}

/** The same advice as an SQL comment, for a fix. Empty if the application may not write memberships. */
export function membershipNote(facts: Facts, relation: Relation): readonly string[] {
  const link = membershipOf(facts, relation)
  const revoke = link === undefined ? undefined : revokeSql(facts, link.parent)
  return revoke === undefined ? [] : [`-- Or add a policy by membership. It needs also: ${revoke};`]
}

function revokeSql(facts: Facts, memberships: Relation): string | undefined {
  const writers = ['INSERT', 'UPDATE'] as const
  const roles = [...new Set(writers.flatMap((each) => facts.reach(memberships, each).map(({ role }) => role.name)))]
  if (roles.length === 0) return undefined
  return `REVOKE ${writers.join(', ')} ON ${qualifiedName(memberships)} FROM ${revokeList(facts, memberships, roles, writers)}`
}

/**
 * The tenant table whose rows refer to this table's rows. Of several, the table that is named after members, or else the one with the
 * fewest columns.
 */
function membershipOf(facts: Facts, relation: Relation): ChildLink | undefined {
  const links = [...facts.tenancy.tables.values()].flatMap(({ relation: parent }) =>
    parent.isPartition
      ? []
      : parent.constraints.flatMap(({ references, columns }): readonly ChildLink[] =>
          references?.relation !== relation.oid
            ? []
            : [
                {
                  parent,
                  columns: namesOf(relation, references.columns),
                  parentColumns: namesOf(parent, columns),
                },
              ],
        ),
  )
  const weight = ({ parent }: ChildLink) =>
    (/member|membership|role|user/i.test(parent.name) ? 0 : 100) + parent.columns.length
  return links.sort((a, b) => weight(a) - weight(b))[0]
}

function namesOf(relation: Relation, numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => relation.columns.find((column) => column.number === number)?.name ?? '')
}
