import type { Grant } from '../../catalog/model.ts'
import type { Facts } from '../../tenancy/facts.ts'
import type { ChosenSeverity, FindingDraft } from '../finding/finding.ts'
import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

/*
 * Functions that return contents to a role that has EXECUTE and nothing else, as tried on PostgreSQL 15 and 18.
 *
 * Left out because they need more than EXECUTE:
 * - pageinspect and pg_buffercache_evict: superuser;
 * - pg_logical_slot_* and pg_create_logical_replication_slot: REPLICATION;
 * - pgrowlocks and pg_prewarm: privileges on the table;
 * - pg_surgery: ownership of the table.
 *
 * Left out because they return no contents: pg_visibility, pgstattuple, pg_freespacemap, amcheck. pg_logical_emit_message only writes,
 * and PUBLIC may call it.
 */
const CONTENTS =
  /^(pg_read_file|pg_read_binary_file|pg_read_file_old|lo_import|lo_export|pg_file_(read|write|rename|unlink)|pg_get_wal_(record_info|records_info\w*|block_info|fpi_info)|dblink_connect_u)$/
/** Functions that return names and sizes of files, statistics of the log, or the server's configuration, but no rows. */
const OUTLINES =
  /^(pg_ls_\w+|pg_logdir_ls|pg_file_(length|sync)|pg_stat_file|pg_get_wal_stats\w*|pg_show_all_file_settings|pg_hba_file_rules|pg_ident_file_mappings)$/
const EXTENSIONS = new Set(['pg_walinspect', 'adminpack', 'dblink'])

const OUTLINES_ONLY: ChosenSeverity = {
  level: 'medium',
  because: 'The function lists files or settings of the server, and does not read the files that hold rows.',
}

export const escapeBuiltinGranted: Rule = {
  id: 'escape-builtin-granted',
  group: 'escape',
  title: 'The application may call functions that read files or the log',
  severity: 'critical',
  meaning: 'Files and the write-ahead log contain the rows of every tenant, and no policy applies to them.',
  remedy: "Revoke EXECUTE on the function from the application's roles.",
  *run(facts) {
    for (const { label, name, grants } of facts.catalog.grantedBuiltins) {
      const signature = label.startsWith('pg_catalog.') ? label : `pg_catalog.${label}`
      yield* granted(facts, { label, signature, name, grants, owner: -1 })
    }
    for (const fn of facts.catalog.functions.values())
      if (EXTENSIONS.has(fn.extension ?? '') && facts.executors(fn).length > 0) yield* granted(facts, fn)
  },
}

interface Called {
  readonly label: string
  readonly signature: string
  readonly name: string
  readonly grants: readonly Grant[]
  readonly owner: number
}

function* granted(facts: Facts, fn: Called): Iterable<FindingDraft> {
  const outlines = OUTLINES.test(fn.name)
  if (!outlines && !CONTENTS.test(fn.name)) return
  const grantees = usableGrantees(facts, fn.grants, 'EXECUTE', fn.owner).filter(
    (oid) => !isPredefined(facts.roleName(oid)),
  )
  if (grantees.length === 0) return
  yield {
    object: fn.label,
    ...(outlines ? { severity: OUTLINES_ONLY } : {}),
    message: `The app may call ${fn.label}, which only superusers may call by default: no policy applies to what it reads.`,
    evidence: [`EXECUTE granted to ${granteeList(facts, grantees)}`],
    fix: bySuperuser(`REVOKE EXECUTE ON FUNCTION ${fn.signature} FROM ${granteeList(facts, grantees)};`),
  }
}

/** Predefined roles such as pg_read_server_files have EXECUTE by design. The rule role-predefined reports membership in such a role. */
function isPredefined(name: string): boolean {
  return name.startsWith('pg_')
}
