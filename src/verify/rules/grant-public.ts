import { type Oid, PUBLIC_OID, type Relation } from '../../catalog/model.ts'
import { qualifiedName } from '../../catalog/names.ts'
import type { Facts } from '../../tenancy/facts.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

const PRIVILEGES = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

export const grantPublic: Rule = {
  id: 'grant-public',
  group: 'grant',
  ofProtect: 'always',
  title: 'PUBLIC has rights on tenant data',
  severity: 'high',
  meaning: 'A grant to PUBLIC is valid for every role of the server, including roles that are created later.',
  remedy: 'Revoke from PUBLIC, and grant to the roles that need the privilege.',
  *run(facts) {
    for (const relation of facts.relations) {
      const bound = facts.tenantTable(relation) !== undefined
      const view = relation.kind === 'view' && readsTenants(facts, relation, new Set())
      if (!bound && !view) continue
      const grants = [...relation.grants, ...relation.columns.flatMap((column) => column.grants)]
      const open = PRIVILEGES.filter((privilege) =>
        grants.some((grant) => grant.grantee === PUBLIC_OID && grant.privilege === privilege),
      )
      if (open.length === 0) continue
      yield {
        object: relation.label,
        // High only for tenant tables without row-level security. On other tables, policies also restrict PUBLIC.
        ...(bound && !relation.rowSecurity
          ? {}
          : chosenSeverity(
              'low',
              bound
                ? 'Row-level security is on, and its policies restrict PUBLIC too.'
                : 'No row of the table belongs to a tenant, as far as its columns and foreign keys show.',
            )),
        message: `PUBLIC may ${open.join(', ')} ${relation.label}: every role of the server, those of other applications too.`,
        evidence: [`granted to PUBLIC: ${open.join(', ')}`],
        fix: `REVOKE ${open.join(', ')} ON ${qualifiedName(relation)} FROM PUBLIC;`,
      }
    }
  },
}

function readsTenants(facts: Facts, view: Relation, seen: Set<Oid>): boolean {
  if (seen.has(view.oid)) return false
  seen.add(view.oid)
  return view.readsRelations.some((oid) => {
    const read = facts.relationOf(oid)
    if (read === undefined) return false
    return facts.tenantTable(read) !== undefined || readsTenants(facts, read, seen)
  })
}
