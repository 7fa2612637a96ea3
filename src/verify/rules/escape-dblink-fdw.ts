import { PUBLIC_OID } from '../../catalog/model.ts'
import { quoteIdentifier } from '../../catalog/names.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

export const escapeDblinkFdw: Rule = {
  id: 'escape-dblink-fdw',
  group: 'escape',
  title: 'The application can open another session',
  severity: 'high',
  meaning:
    'dblink and foreign servers open sessions as another role and without a tenant, possibly into this same database.',
  remedy:
    'Revoke EXECUTE on the dblink functions, and USAGE on foreign servers that have a user mapping for the application.',
  *run(facts) {
    const functions = [...facts.catalog.functions.values()].filter(
      (fn) => fn.extension === 'dblink' && facts.executors(fn).length > 0,
    )
    const first = functions[0]
    if (first !== undefined) {
      const grantees = [...new Set(functions.flatMap((fn) => usableGrantees(facts, fn.grants, 'EXECUTE', fn.owner)))]
      yield {
        object: 'extension dblink',
        message: `The app may call ${functions.length} functions of dblink: each opens a session as another role.`,
        evidence: [`EXECUTE granted to ${granteeList(facts, grantees)}: ${first.label} and others`],
        fix: bySuperuser(
          functions
            .map((fn) => `REVOKE EXECUTE ON FUNCTION ${fn.signature} FROM ${granteeList(facts, grantees)};`)
            .join('\n'),
        ),
      }
    }
    for (const server of facts.catalog.foreignServers) {
      const grantees = usableGrantees(facts, server.grants, 'USAGE', server.owner)
      const mapped = facts.acting.some(
        (role) =>
          !role.bypasses && (server.mappedRoles.includes(role.role.oid) || server.mappedRoles.includes(PUBLIC_OID)),
      )
      if (grantees.length === 0 || !mapped) continue
      yield {
        object: `server ${server.name}`,
        message: `The app may use the foreign server ${server.name} with a user mapping: it can create foreign tables, which open a session as another role.`,
        evidence: [`USAGE granted to ${granteeList(facts, grantees)}`, `wrapper ${server.wrapper}`],
        fix: `REVOKE USAGE ON FOREIGN SERVER ${quoteIdentifier(server.name)} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}
