import { quoteIdentifier } from '../../catalog/names.ts'
import { chosenSeverity } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'

export const schemaDefaultPrivileges: Rule = {
  id: 'schema-default-privileges',
  group: 'grant',
  title: 'A tenant’s schema gives rights to everybody, or gives them in advance',
  severity: 'high',
  meaning: 'Each new table of the schema can be used before it has policies, or by a role of another tenant.',
  remedy:
    'Revoke the default privileges and the rights of PUBLIC on the schema, and grant on tables that have policies.',
  *run(facts) {
    const { fleet } = facts
    if (fleet === undefined) return
    const acting = new Set(facts.acting.map(({ role }) => role.oid))
    for (const each of fleet.defaultPrivileges) {
      if (each.granteeOid !== 0 && !acting.has(each.granteeOid)) continue
      const grantee = each.granteeOid === 0 ? 'PUBLIC' : quoteIdentifier(each.grantee)
      yield {
        object: each.schema,
        detail: `${each.objectType} to ${each.grantee}`,
        message: `New ${each.objectType} that ${each.role} creates in schema ${each.schema} can be used by ${each.grantee} at once, before they have policies.`,
        evidence: [`ALTER DEFAULT PRIVILEGES FOR ROLE ${each.role} IN SCHEMA ${each.schema} … TO ${each.grantee}`],
        fix: `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(each.role)} IN SCHEMA ${quoteIdentifier(each.schema)} REVOKE ALL ON ${each.objectType.toUpperCase()} FROM ${grantee};`,
      }
    }
    for (const { name, wideRights } of fleet.schemas)
      for (const right of wideRights) {
        const isCreate = right.endsWith('CREATE')
        const grantee = right.startsWith('PUBLIC ') ? 'PUBLIC' : quoteIdentifier(right.replace(/ \w+$/, ''))
        yield {
          object: name,
          detail: right,
          ...(isCreate
            ? {}
            : chosenSeverity('medium', 'USAGE on a schema reaches no table of it without a privilege on the table.')),
          message: isCreate
            ? `${right.replace(/ CREATE$/, '')} may create objects in schema ${name}, which one tenant’s statements look in first.`
            : `PUBLIC has USAGE on schema ${name}: every role that gets a right on one of its tables can use it.`,
          evidence: [right],
          fix: `REVOKE ${isCreate ? 'CREATE' : 'USAGE'} ON SCHEMA ${quoteIdentifier(name)} FROM ${grantee};`,
        }
      }
  },
}
