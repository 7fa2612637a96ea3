import type { Rule } from '../finding/rule.ts'
import { granteeList, usableGrantees } from '../readings/grantees.ts'
import { bySuperuser } from '../readings/superuser-sql.ts'

const STATISTICS = ['pg_statistic', 'pg_statistic_ext_data']

export const statsVisible: Rule = {
  id: 'stats-visible',
  group: 'metadata',
  title: 'Planner statistics show values of all tenants',
  severity: 'medium',
  meaning: 'Most common values and histograms contain real values from the rows of every tenant.',
  remedy:
    'Revoke the grant on the statistics catalogs; run fix-CVE-2024-4317.sql where the views of extended statistics are old.',
  *run(facts) {
    for (const { name, grants } of facts.catalog.systemRelationGrants) {
      if (!STATISTICS.includes(name)) continue
      const grantees = usableGrantees(facts, grants, 'SELECT', -1)
      if (grantees.length === 0) continue
      yield {
        object: `pg_catalog.${name}`,
        message: `The app may read ${name}: most common values and histogram bounds of every column, of all tenants.`,
        evidence: [`SELECT granted to ${granteeList(facts, grantees)}`],
        fix: bySuperuser(`REVOKE SELECT ON pg_catalog.${name} FROM ${granteeList(facts, grantees)};`),
      }
    }
    for (const view of facts.catalog.unfixedStatisticsViews) {
      yield {
        object: `pg_catalog.${view}`,
        message: `${view} of this server shows values of extended statistics to roles that may not read the tables (CVE-2024-4317): a minor update alone does not fix the view.`,
        evidence: ['the view does not ask for the owner, and the database has extended statistics'],
        fix: `-- In each database, as superuser, from the server's share directory:\n-- \\i fix-CVE-2024-4317.sql\nREVOKE SELECT ON pg_catalog.${view} FROM PUBLIC;`,
      }
    }
  },
}
