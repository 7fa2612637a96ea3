import pg from 'pg'
import { SEAL_TABLES, SUSPENDING_FUNCTIONS } from '../../seal/seal-objects.ts'
import type { WalledPool } from '../pool/walled-pool.ts'
import { REACH } from './check-facts.ts'
import type { DatabaseFinding } from './database-finding.ts'

/** Problems of the tables and the trigger that the seal depends on. */
interface SealState {
  /** Tables of the seal, and tables that inherit from them, that the application may write. */
  readonly writableTables: readonly string[]
  /** Functions that suspend or readmit a tenant and that the application may call. */
  readonly callable: readonly string[]
  /** True if the directory is installed, but its table has no trigger that makes the database refuse suspended tenants. */
  readonly untold: boolean
}

const listed = (names: readonly string[]) => names.map((name) => pg.escapeLiteral(name)).join(', ')

/** Asks the catalog, because the login role may have no privilege on the schema. */
const SEAL_STATE_TEXT = `${REACH}, seal as (
    select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'partywall' and c.relname in (${listed(SEAL_TABLES)})
  ), own as (
    select p.oid, p.proname from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace where n.nspname = 'partywall'
  )
  select array(select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
                 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
                where (c.oid in (select s.oid from seal s)
                       or c.oid in (select i.inhrelid from pg_catalog.pg_inherits i join seal s on s.oid = i.inhparent))
                  and exists (select from reach r where not r.rolsuper
                    and (pg_catalog.has_table_privilege(r.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
                         or pg_catalog.has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')))
                order by 1) as "writableTables",
         array(select p.oid::pg_catalog.regprocedure::text from own p
                where p.proname in (${listed(SUSPENDING_FUNCTIONS)})
                  and exists (select from reach r where not r.rolsuper and pg_catalog.has_function_privilege(r.oid, p.oid, 'EXECUTE'))
                order by 1) as callable,
         exists (select from own p where p.proname = 'revoke_tenant') and exists (select from own p where p.proname = 'directory_by_id')
           and not exists (select from pg_catalog.pg_trigger t join own p on p.oid = t.tgfoid
                            where p.proname = 'notify_tenant_change' and t.tgenabled in ('O', 'A')) as untold`

const FROM = 'FROM PUBLIC, tenant_user, tenant_admin'

/** Findings about the tables of the seal and about suspensions. */
export async function sealFindings(pool: WalledPool): Promise<DatabaseFinding[]> {
  const { rows } = await pool.runAsLogin(SEAL_STATE_TEXT)
  const state: SealState | undefined = rows[0]
  if (state === undefined) return []
  const writable = { id: 'seal-writable', severity: 'error' } as const
  const found: DatabaseFinding[] = [
    ...state.writableTables.map((object) => ({
      ...writable,
      object,
      message: `The application may write ${object}, which decides which seals are valid: injected SQL could work as any tenant.`,
      fix: `REVOKE ALL ON ${object} ${FROM};`,
    })),
    ...state.callable.map((object) => ({
      ...writable,
      object,
      message: `The application may call ${object}: a suspended tenant could reactivate itself.`,
      fix: `REVOKE ALL ON FUNCTION ${object} ${FROM};`,
    })),
  ]
  if (state.untold)
    found.push({
      id: 'suspension-untold',
      severity: 'warning',
      object: 'partywall.directory_by_id',
      message: 'No trigger tells the database which tenants are suspended: their seals and tickets stay valid there.',
      fix: "CALL partywall.install_directory('<the table of tenants>');",
    })
  return found
}
