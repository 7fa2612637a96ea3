import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

const GIVES: Readonly<Record<string, string>> = {
  session_replication_role: 'switches guard triggers and foreign keys off',
  lo_compat_privileges: 'reads and writes every large object',
}

export const parameterPrivilege: Rule = {
  id: 'parameter-privilege',
  group: 'role',
  title: 'The application may set a parameter on which the isolation of tenants depends',
  severity: 'high',
  meaning:
    'With session_replication_role the application switches off the triggers and foreign keys that keep tenants apart.',
  remedy: 'Revoke the privilege on the parameter.',
  *run(facts) {
    for (const { parameter, grants } of facts.catalog.parameterGrants) {
      const gives = GIVES[parameter]
      const set = gives === undefined ? [] : usableGrantees(facts, grants, 'SET', -1)
      const system = usableGrantees(facts, grants, 'ALTER SYSTEM', -1)
      if (gives !== undefined && set.length > 0)
        yield {
          object: `parameter ${parameter}`,
          message: `${granteeList(facts, set)} may set ${parameter}: the app ${gives}.`,
          evidence: [`SET granted to ${granteeList(facts, set)}`],
          fix: bySuperuser(`REVOKE SET ON PARAMETER ${parameter} FROM ${granteeList(facts, set)};`),
        }
      if (system.length > 0)
        yield {
          object: `parameter ${parameter}`,
          detail: 'ALTER SYSTEM',
          message: `${granteeList(facts, system)} may change ${parameter} for the whole server.`,
          evidence: [`ALTER SYSTEM granted to ${granteeList(facts, system)}`],
          fix: bySuperuser(`REVOKE ALTER SYSTEM ON PARAMETER ${parameter} FROM ${granteeList(facts, system)};`),
        }
    }
  },
}
