import { describe, expect, it } from 'vitest'
import { HOLDING, ruleCase, withCase } from '../rule-case.ts'

ruleCase('escape-builtin-granted', {
  hole: `grant execute on function pg_read_file(text) to {app};`,
  object: `pg_read_file(text)`,
  severity: 'critical',
  proof: 'static',
  repaired: `revoke execute on function pg_read_file(text) from {app};`,
  nearMisses: {
    'another role may': `grant execute on function pg_read_file(text) to {backup};`,
    'raw pages are for superusers, whoever has EXECUTE': `create extension pageinspect; grant execute on function get_raw_page(text, bigint), heap_page_items(bytea) to {app};`,
    'replication slots are for roles with REPLICATION': `grant execute on function pg_logical_slot_get_changes(name, pg_lsn, integer, text[]), pg_create_logical_replication_slot(name, name, boolean, boolean, boolean) to {app};`,
    'who may write a message into the log reads nothing': `grant execute on function pg_logical_emit_message(boolean, text, text, boolean) to {app};`,
    'counts of pages and of locked rows': `create extension pg_visibility; create extension pgrowlocks; grant execute on function pg_visibility(regclass), pgrowlocks(text) to {app};`,
  },
})

ruleCase('escape-builtin-granted', {
  name: 'the log, to everybody',
  hole: `create extension pg_walinspect; grant execute on function pg_get_wal_records_info(pg_lsn, pg_lsn) to public;`,
  object: `public.pg_get_wal_records_info(pg_lsn, pg_lsn)`,
  severity: 'critical',
  proof: 'static',
  repaired: `create extension pg_walinspect;`,
  nearMisses: {
    'the app may not use the schema': `create schema inspection; create extension pg_walinspect schema inspection; grant execute on function inspection.pg_get_wal_records_info(pg_lsn, pg_lsn) to public;`,
  },
})

ruleCase('escape-builtin-granted', {
  name: 'the log, where its extension stands among the built-in functions',
  hole: `create extension pg_walinspect schema pg_catalog; grant execute on function pg_catalog.pg_get_wal_record_info(pg_lsn) to public;`,
  object: `pg_get_wal_record_info(pg_lsn)`,
  severity: 'critical',
  proof: 'static',
  repaired: `create extension pg_walinspect schema pg_catalog;`,
  nearMisses: {},
})

ruleCase('escape-builtin-granted', {
  name: 'names and sizes of files',
  hole: `grant execute on function pg_ls_dir(text) to public;`,
  object: `pg_ls_dir(text)`,
  severity: 'medium',
  proof: 'static',
  repaired: `select 1;`,
  nearMisses: {},
})

describe('escape-builtin-granted: dblink', () => {
  it('speaks of connections as another role that everybody may open', async () => {
    await withCase(
      [HOLDING, 'create extension dblink; grant execute on function dblink_connect_u(text) to public;'],
      async (verify) => {
        const { findings } = await verify({ mode: 'static' })
        expect(findings.map(({ key }) => key)).toContain('escape-builtin-granted:public.dblink_connect_u(text)')
      },
    )
  })
})
