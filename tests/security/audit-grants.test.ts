import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../setup/database.ts'

/** What the application's roles can do with the audit log and the outbox of alerts; docs/audit.md lists the same. */
const FUNCTIONS = ['alert_outbox_add', 'audit_fits', 'audit_make_months', 'audit_system', 'audit_tenant', 'audit_who']
const INSERTED = {
  audit_events: [
    'action',
    'actor_reason',
    'actor_type',
    'details',
    'ip',
    'outcome',
    'private_commitment',
    'request_id',
    'resource',
    'resource_id',
    'user_agent',
  ],
  audit_private: ['data', 'event_id', 'occurred_at', 'salt', 'subject'],
}

describe('the grants of the audit log', () => {
  it('are those that the docs list, and no more', async () => {
    const database = await createTestDatabase()
    for (const role of ['app', 'tenant_user', 'tenant_admin']) {
      const functions = await database.admin(
        `select p.proname from pg_proc p where p.pronamespace = 'partywall'::regnamespace and p.proname ~ 'audit|outbox'
           and has_function_privilege($1, p.oid, 'EXECUTE') order by 1`,
        [role],
      )
      expect(functions.rows.map((row) => row.proname)).toEqual(role === 'app' ? [] : FUNCTIONS)
      const tables = await database.admin(
        `select c.relname, p.privilege from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
             'TRIGGER']) as p (privilege)
           where c.relnamespace = 'partywall'::regnamespace and c.relkind in ('r', 'p') and c.relname ~ 'audit|alerts'
             and has_table_privilege($1, c.oid, p.privilege) order by 1, 2`,
        [role],
      )
      const read = Object.keys(INSERTED).map((relname) => ({ relname, privilege: 'SELECT' }))
      expect(tables.rows).toEqual(role === 'app' ? [] : read)
      const columns = await database.admin(
        `select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
           where c.relnamespace = 'partywall'::regnamespace and c.relkind in ('r', 'p') and c.relname ~ 'audit|alerts'
             and has_column_privilege($1, c.oid, a.attnum, 'INSERT') order by 1, 2`,
        [role],
      )
      const inserted = Object.entries(INSERTED).flatMap(([relname, names]) =>
        names.map((attname) => ({ relname, attname })),
      )
      expect(columns.rows).toEqual(role === 'app' ? [] : inserted)
    }
  })
})
