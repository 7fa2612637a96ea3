import type { Rule } from '../finding/rule.ts'
import { THIS_DATABASE } from '../readings/this-database.ts'

export const statisticsOracle: Rule = {
  id: 'statistics-oracle',
  group: 'metadata',
  title: 'Row counts and estimates tell the volume of all tenants',
  severity: 'info',
  meaning: 'pg_class.reltuples, pg_stat_user_tables and EXPLAIN need no grant and count the rows of all tenants.',
  remedy: 'Where volumes are secret, revoke SELECT on the statistics views from PUBLIC.',
  *run(facts) {
    if (facts.tenancy.tables.size === 0) return
    yield {
      object: THIS_DATABASE,
      message:
        'Any role reads how many rows the tables hold over all tenants, from pg_class, pg_stat_user_tables and EXPLAIN.',
      evidence: ['true of every PostgreSQL; no row is shown'],
      fix: '-- Only where volumes are secret, as a superuser:\n-- REVOKE SELECT ON pg_catalog.pg_stat_user_tables, pg_catalog.pg_stat_all_tables FROM PUBLIC;',
    }
  },
}
