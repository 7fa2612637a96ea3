import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'

const FILES_AND_LOG =
  /^(pg_read_file|pg_read_binary_file|pg_ls_\w+|pg_stat_file|lo_import|lo_export|pg_logical_slot_\w+|pg_logical_emit_message|pg_create_logical_replication_slot|pg_copy_logical_replication_slot|pg_read_file_old|pg_file_\w+)$/
const PAGES = new Set(['pg_walinspect', 'adminpack', 'pageinspect'])

export const escapeBuiltinGranted: Rule = {
  id: 'escape-builtin-granted',
  group: 'escape',
  title: 'The application may call functions that read files or the log',
  severity: 'critical',
  meaning: 'Files, pages and the write-ahead log contain the rows of every tenant, and no policy applies to them.',
  remedy: "Revoke EXECUTE on the function from the application's roles.",
  *run(facts) {
    for (const builtin of facts.catalog.grantedBuiltins) {
      if (!FILES_AND_LOG.test(builtin.name)) continue
      const grantees = usableGrantees(facts, builtin.grants, 'EXECUTE', -1).filter(
        (oid) => !isPredefined(facts.roleName(oid)),
      )
      if (grantees.length === 0) continue
      const name = builtin.label.startsWith('pg_catalog.') ? builtin.label : `pg_catalog.${builtin.label}`
      yield {
        object: builtin.label,
        message: `The app may call ${builtin.label}, which only superusers may call by default: no policy applies to what it reads.`,
        evidence: [`EXECUTE granted to ${granteeList(facts, grantees)}`],
        fix: `REVOKE EXECUTE ON FUNCTION ${name} FROM ${granteeList(facts, grantees)};`,
      }
    }
    for (const fn of facts.catalog.functions.values()) {
      const risky = PAGES.has(fn.extension ?? '') || (fn.extension === 'dblink' && fn.name === 'dblink_connect_u')
      if (!risky) continue
      const grantees = usableGrantees(facts, fn.grants, 'EXECUTE', fn.owner).filter((oid) => {
        // pageinspect leaves EXECUTE to PUBLIC and asks for a superuser itself; a grant by name was meant.
        return oid !== 0 && !isPredefined(facts.roleName(oid))
      })
      if (grantees.length === 0) continue
      yield {
        object: fn.label,
        message: `The app may call ${fn.label} of ${fn.extension}: no policy applies to what it reads.`,
        evidence: [`EXECUTE granted to ${granteeList(facts, grantees)}`],
        fix: `REVOKE EXECUTE ON FUNCTION ${fn.signature} FROM ${granteeList(facts, grantees)};`,
      }
    }
  },
}

/** pg_read_server_files and its like have these by design; being a member of one is another finding. */
function isPredefined(name: string): boolean {
  return name.startsWith('pg_')
}
